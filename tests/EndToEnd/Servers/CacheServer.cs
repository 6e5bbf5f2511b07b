using EndToEnd.Processes;

namespace EndToEnd.Servers;

/// <summary>A cache as its configuration has it.</summary>
/// <param name="Namespace">The name by which images call what it caches.</param>
/// <param name="Upstream">Keys below `upstream` beside the URL.</param>
internal sealed record CacheKeys(string Name, string Namespace, Uri Url, string Upstream = "")
{
    /// <summary>Keys of the cache beside `upstream`.</summary>
    public string More { get; init; } = "";

    public string Yaml => $"  {Name}: {{ kind: cache, auth: none, upstream: {{ url: \"{Url.AbsoluteUri.TrimEnd('/')}\", namespace: {Namespace}{Upstream} }}{More} }}";
}

/// <summary>The real built executable with nothing but caches: a listener for each of them, and one for all, where `?ns=` chooses.</summary>
internal sealed class CacheServer : IAsyncDisposable
{
    private readonly Dictionary<string, Endpoint> _own;
    private readonly string _configuration;
    private readonly Daemon _daemon;

    private CacheServer(Endpoint all, Dictionary<string, Endpoint> own, string configuration, Daemon daemon)
    {
        (All, _own, _configuration, _daemon) = (all, own, configuration, daemon);
    }

    /// <summary>The listener of every cache.</summary>
    public Endpoint All { get; }

    public static async Task<CacheServer> StartAsync(Lab lab, CancellationToken token, params IReadOnlyList<CacheKeys> caches)
    {
        Require.True(File.Exists(HoldfastProcess.Executable), $"{HoldfastProcess.Executable} is not there (./dev build makes it)");
        var folder = lab.NewFolder("caches");
        var all = NewEndpoint();
        var own = caches.ToDictionary(cache => cache.Name, _ => NewEndpoint());
        var configuration = Path.Combine(folder, "holdfast.yaml");
        var listeners = own.Select(one => $"  - {{ url: \"http://{one.Value.Host}\", registry: {one.Key} }}");
        await File.WriteAllTextAsync(
            configuration,
            $$"""
            data: {{folder}}/data
            listeners:
              - { url: "http://{{all.Host}}", registry: "*" }
            {{string.Join('\n', listeners)}}
            registries:
            {{string.Join('\n', caches.Select(cache => cache.Yaml))}}
            disk: { reserve: 64MiB }
            """,
            token);
        var daemon = Daemon.Start(lab, Path.Combine(folder, "log"), new ToolCall(HoldfastProcess.Executable, "serve", "--config", configuration));
        var server = new CacheServer(all, own, configuration, daemon);
        using var raw = new RawRegistry(all);
        await daemon.WaitUntilAsync(raw.AnswersAsync, TimeSpan.FromSeconds(60), token);
        return server;
    }

    /// <summary>A cache's own listener.</summary>
    public Endpoint For(string cache) => _own[cache];

    /// <summary>Runs the executable, with this server's configuration where a command asks a server.</summary>
    public Task<ToolResult> RunAsync(CancellationToken token, params IReadOnlyList<string> arguments) =>
        Call([.. arguments, "--config", _configuration]).RunAsync(token);

    /// <summary>What a node needs, as `holdfast containerd hosts` writes it.</summary>
    /// <returns>The folder that becomes a node's certs.d.</returns>
    public async Task<string> WriteHostsAsync(Lab lab, CancellationToken token)
    {
        var folder = Path.Combine(lab.NewFolder("node"), "certs.d");
        await Call(["containerd", "hosts", "--config", _configuration, "--output", folder]).OutputAsync(token);
        return folder;
    }

    /// <summary>Runs `holdfast verify`, which asks as any client does.</summary>
    public static Task<ToolResult> VerifyAsync(string target, CancellationToken token) => Call(["verify", target]).RunAsync(token);

    public Task<string> LogAsync(CancellationToken token) => _daemon.LogAsync(token);

    public ValueTask DisposeAsync() => _daemon.DisposeAsync();

    private static Endpoint NewEndpoint() => new(Mode.Plain, $"127.0.0.1:{FreePorts.Take()}", null, null);

    // HOLDFAST_EXE is for the tests; to the program it would be a key that its configuration doesn't know.
    private static ToolCall Call(IReadOnlyList<string> arguments) => new("env", ["-u", "HOLDFAST_EXE", HoldfastProcess.Executable, .. arguments]);
}
