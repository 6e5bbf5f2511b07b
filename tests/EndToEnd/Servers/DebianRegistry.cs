using System.Net;
using EndToEnd.Images;
using EndToEnd.Processes;

namespace EndToEnd.Servers;

/// <summary>Debian's docker-registry on a folder that tests damage as its users' were: by its own collector, by deletes, by the disk.</summary>
internal sealed class DebianRegistry : IAsyncDisposable
{
    private readonly Lab _lab;
    private readonly string _folder;
    private Daemon? _daemon;

    private DebianRegistry(Lab lab, string folder, Endpoint endpoint) => (_lab, _folder, Endpoint) = (lab, folder, endpoint);

    // Root reads files whatever their permissions say.
    private IReadOnlyList<string> Wrapper { get; init; } = [];

    public Endpoint Endpoint { get; }

    /// <summary>Of the data: docker/registry/v2.</summary>
    public string Root => Path.Combine(_folder, "data", "docker", "registry", "v2");

    private string Configuration => Path.Combine(_folder, "config.yml");

    /// <param name="asNobody">Run it as a user who may not read what it has no permission for.</param>
    /// <param name="storage">More of the configuration's section `storage`.</param>
    /// <param name="user">Who may use it, by htpasswd; null: everyone.</param>
    public static async Task<DebianRegistry> StartAsync(Lab lab, CancellationToken token, bool asNobody = false, string storage = "", Credentials? user = null)
    {
        Require.Programs("docker-registry");
        var folder = lab.NewFolder("registry2-");
        var mode = user is null ? Mode.Plain : Mode.Basic;
        var auth = user is null ? "" : $"auth: {{ htpasswd: {{ realm: upstream, path: {await Htpasswd.WriteAsync(lab, user, token)} }} }}";
        var registry = new DebianRegistry(lab, folder, new Endpoint(mode, $"127.0.0.1:{FreePorts.Take()}", null, user))
        {
            Wrapper = asNobody && Environment.UserName == "root" ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : [],
        };
        // The cache is what Debian's own configuration has, and what makes it claim that swept blobs exist.
        await File.WriteAllTextAsync(
            registry.Configuration,
            $$"""
            version: 0.1
            storage: { filesystem: { rootdirectory: "{{folder}}/data" }, delete: { enabled: true }, cache: { blobdescriptor: inmemory }{{storage}} }
            http: { addr: "{{registry.Endpoint.Host}}", secret: loopback }
            {{auth}}
            """,
            token);
        if (registry.Wrapper.Count > 0)
        {
            Require.Programs("setpriv");
            await new ToolCall("chown", "-R", "65534:65534", folder).OutputAsync(token);
        }

        await registry.RestartAsync(token);
        return registry;
    }

    public async Task RestartAsync(CancellationToken token)
    {
        if (_daemon is not null)
            await _daemon.DisposeAsync();
        string[] command = [.. Wrapper, "docker-registry", "serve", Configuration];
        _daemon = Daemon.Start(_lab, Path.Combine(_folder, "log"), new ToolCall(command[0], command[1..]));
        using var raw = new RawRegistry(Endpoint);
        await _daemon.WaitUntilAsync(raw.AnswersAsync, TimeSpan.FromSeconds(30), token);
    }

    /// <summary>kill -9; <see cref="RestartAsync"/> brings it back with its data, at the same address.</summary>
    public async Task KillAsync()
    {
        await _daemon!.KillAsync();
        await DisposeAsync();
    }

    /// <summary>garbage-collect, beside the running server as its users ran it.</summary>
    public Task CollectAsync(CancellationToken token, params string[] options) =>
        new ToolCall("docker-registry", ["garbage-collect", .. options, Configuration]).OutputAsync(token);

    /// <summary>Pushes everything of a layout by bare requests, blobs first.</summary>
    public async Task PushAsync(OciLayout layout, string repository, string tag, CancellationToken token)
    {
        await PushBlobsAsync(layout, repository, token);
        await PushManifestsAsync(layout, repository, tag, token);
    }

    /// <summary>The manifests alone; the registry believes that it has the blobs, or refuses.</summary>
    public async Task PushManifestsAsync(OciLayout layout, string repository, string tag, CancellationToken token)
    {
        var top = layout.Top();
        if (top.MediaType == OciLayout.ImageIndex)
        {
            foreach (var child in layout.Read(top.Digest)["manifests"]!.AsArray())
                await PutManifestAsync(layout, repository, (string)child!["digest"]!, (string)child["digest"]!, (string)child["mediaType"]!, token);
        }
        await PutManifestAsync(layout, repository, top.Digest, tag, top.MediaType, token);
    }

    /// <summary>Configs and layers; a manifest that was pushed as a blob too would be found as one.</summary>
    public async Task PushBlobsAsync(OciLayout layout, string repository, CancellationToken token)
    {
        using var raw = new RawRegistry(Endpoint);
        var top = layout.Top();
        var images = top.MediaType == OciLayout.ImageIndex ? layout.Read(top.Digest)["manifests"]!.AsArray().Select(child => (string)child!["digest"]!) : [top.Digest];
        var blobs = images.Select(layout.Read).SelectMany(image => image["layers"]!.AsArray().Append(image["config"])).Select(blob => (string)blob!["digest"]!);
        foreach (var file in blobs.Distinct().Select(layout.PathOf))
        {
            using var opened = await raw.SendAsync(HttpMethod.Post, $"v2/{repository}/blobs/uploads/", token);
            opened.StatusCode.ShouldBe(HttpStatusCode.Accepted);
            var place = opened.Headers.Location!.ToString();
            var bytes = await File.ReadAllBytesAsync(file, token);
            using var put = await raw.SendAsync(
                HttpMethod.Put, $"{place}{(place.Contains('?', StringComparison.Ordinal) ? "&" : "?")}digest=sha256:{Path.GetFileName(file)}", token, () => new ByteArrayContent(bytes));
            put.StatusCode.ShouldBe(HttpStatusCode.Created);
        }
    }

    private async Task PutManifestAsync(OciLayout layout, string repository, string digest, string reference, string mediaType, CancellationToken token)
    {
        using var raw = new RawRegistry(Endpoint);
        var bytes = await File.ReadAllBytesAsync(layout.PathOf(digest), token);
        using var put = await raw.SendAsync(
            HttpMethod.Put, $"v2/{repository}/manifests/{reference}", token, () => new ByteArrayContent(bytes) { Headers = { ContentType = new(mediaType) } });
        put.StatusCode.ShouldBe(HttpStatusCode.Created, await put.Content.ReadAsStringAsync(token));
    }

    public async Task DeleteAsync(string path, CancellationToken token)
    {
        using var raw = new RawRegistry(Endpoint);
        using var deleted = await raw.SendAsync(HttpMethod.Delete, path, token);
        deleted.StatusCode.ShouldBe(HttpStatusCode.Accepted);
    }

    /// <summary>The file with an object's bytes.</summary>
    public string DataOf(string digest) => Path.Combine(Root, "blobs", "sha256", digest[7..9], digest[7..], "data");

    public Task<string> LogAsync(CancellationToken token) => _daemon!.LogAsync(token);

    public async ValueTask DisposeAsync()
    {
        if (_daemon is not null)
            await _daemon.DisposeAsync();
        _daemon = null;
    }
}
