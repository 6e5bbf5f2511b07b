using System.Net;
using EndToEnd.Processes;

namespace EndToEnd.Servers;

/// <summary>Debian's docker-registry on a folder of its own, which can be stopped, collected as its administrators do, damaged, and started again.</summary>
internal sealed class OldRegistry : IAsyncDisposable
{
    private readonly Lab _lab;
    private readonly string _folder;
    private Daemon? _daemon;

    private OldRegistry(Lab lab, string folder, string data)
    {
        _lab = lab;
        _folder = folder;
        Data = data;
        Endpoint = new Endpoint(Mode.Plain, $"127.0.0.1:{FreePorts.Take()}", null, null);
    }

    /// <summary>Its rootdirectory.</summary>
    public string Data { get; }

    public Endpoint Endpoint { get; }

    public int Id => _daemon!.Id;

    private string Configuration => Path.Combine(_folder, "config.yml");

    /// <param name="data">Data that are there already; null: a new folder.</param>
    /// <param name="upstream">Makes it a pull-through cache.</param>
    public static async Task<OldRegistry> StartAsync(Lab lab, CancellationToken token, string? data = null, Endpoint? upstream = null)
    {
        Require.Programs("docker-registry");
        var folder = lab.NewFolder("old");
        var registry = new OldRegistry(lab, folder, data ?? Path.Combine(folder, "data"));
        await File.WriteAllTextAsync(
            registry.Configuration,
            $$"""
            version: 0.1
            storage:
              filesystem: { rootdirectory: "{{registry.Data}}" }
              cache: { blobdescriptor: inmemory }
              delete: { enabled: true }
            http: { addr: "{{registry.Endpoint.Host}}", secret: loopback }
            {{(upstream is null ? "" : $"proxy: {{ remoteurl: {upstream.Url.AbsoluteUri.TrimEnd('/')} }}")}}
            """,
            token);
        await registry.StartAsync(token);
        return registry;
    }

    public async Task StartAsync(CancellationToken token)
    {
        _daemon = Daemon.Start(_lab, Path.Combine(_folder, "log"), new ToolCall("docker-registry", "serve", Configuration));
        using var raw = new RawRegistry(Endpoint);
        await _daemon.WaitUntilAsync(raw.AnswersAsync, TimeSpan.FromSeconds(30), token);
    }

    public async Task StopAsync()
    {
        await _daemon!.DisposeAsync();
        _daemon = null;
    }

    /// <summary>Its own collection, the registry running or not.</summary>
    public async Task CollectAsync(CancellationToken token) =>
        await new ToolCall("docker-registry", "garbage-collect", "-m", Configuration).OutputAsync(token);

    /// <summary>DELETE of a manifest or blob: <c>e2e/app/blobs/sha256:…</c>.</summary>
    public async Task DeleteAsync(string what, CancellationToken token)
    {
        using var raw = new RawRegistry(Endpoint);
        using var answer = await raw.SendAsync(HttpMethod.Delete, $"v2/{what}", token);
        answer.StatusCode.ShouldBe(HttpStatusCode.Accepted, what);
    }

    public string PathOf(string relative) => Path.Combine(Data, "docker/registry/v2", relative);

    public string DataFile(string digest) => PathOf($"blobs/sha256/{digest[7..9]}/{digest[7..]}/data");

    public string RevisionFolder(string repository, string digest) => PathOf($"repositories/{repository}/_manifests/revisions/sha256/{digest[7..]}");

    public string LayerFolder(string repository, string digest) => PathOf($"repositories/{repository}/_layers/sha256/{digest[7..]}");

    /// <summary>A copy of its folder as it is now.</summary>
    public async Task<string> CopyDataAsync(CancellationToken token)
    {
        var copy = Path.Combine(_lab.NewFolder("copy"), "data");
        await new ToolCall("cp", "-a", Data, copy).OutputAsync(token);
        return copy;
    }

    public async ValueTask DisposeAsync()
    {
        if (_daemon is not null)
        {
            await StopAsync();
        }
    }
}
