using EndToEnd.Processes;

namespace EndToEnd.Servers;

/// <summary>What a test sets otherwise than the sample does.</summary>
internal sealed record HoldfastSettings
{
    /// <summary>Where the data lie; null: in a new folder of the lab.</summary>
    public string? Data { get; init; }

    /// <summary>Free space below which pushes are refused.</summary>
    public string Reserve { get; init; } = "64MiB";

    /// <summary>Whole sections of the configuration beside those that every test has.</summary>
    public string More { get; init; } = "";

    /// <summary>A cache beside the registries that every test has; null: none.</summary>
    public CacheKeys? Cache { get; init; }
}

/// <summary>The real built executable with one registry and one listener per mode; it can be killed and started again on its data.</summary>
internal sealed class HoldfastProcess : Deployment
{
    private readonly Lab _lab;
    private readonly string _folder;
    private readonly string _configuration;
    private readonly Dictionary<Mode, Endpoint> _endpoints;
    private Daemon? _daemon;

    private HoldfastProcess(Lab lab, string folder, string configuration, Dictionary<Mode, Endpoint> endpoints)
    {
        _lab = lab;
        _folder = folder;
        _configuration = configuration;
        _endpoints = endpoints;
    }

    /// <summary>HOLDFAST_EXE, or what `./dev build` leaves.</summary>
    public static string Executable =>
        Environment.GetEnvironmentVariable("HOLDFAST_EXE") ?? Path.Combine(Checkout, "artifacts", "holdfast", "holdfast");

    /// <summary>The folder that the tests were built in, with the solution and README.</summary>
    public static string Checkout
    {
        get
        {
            var folder = new DirectoryInfo(AppContext.BaseDirectory);
            while (!File.Exists(Path.Combine(folder.FullName, "Holdfast.slnx")))
            {
                folder = folder.Parent ?? throw new InvalidOperationException("the tests don't run from inside the repository");
            }

            return folder.FullName;
        }
    }

    public string LogFile => Path.Combine(_folder, "log");

    /// <summary>The listener of <see cref="HoldfastSettings.Cache"/>.</summary>
    public Endpoint Cache { get; } = new(Mode.Plain, $"127.0.0.1:{FreePorts.Take()}", null, null);

    /// <summary>The htpasswd file of the modes that ask for a password.</summary>
    public required string Users { get; init; }

    public static async Task<HoldfastProcess> StartAsync(Lab lab, HoldfastSettings settings, CancellationToken token)
    {
        Require.True(File.Exists(Executable), $"{Executable} is not there (./dev build makes it)");
        var folder = lab.NewFolder("holdfast");
        var tls = await Certificates.CreateAsync(lab, token);
        var users = await Htpasswd.WriteAsync(lab, User, token);
        var endpoints = Enum.GetValues<Mode>().ToDictionary(
            mode => mode, mode => new Endpoint(mode, $"127.0.0.1:{FreePorts.Take()}", IsTls(mode) ? tls.Authority : null, CredentialsFor(mode)));
        var configuration = Path.Combine(folder, "holdfast.yaml");
        var holdfast = new HoldfastProcess(lab, folder, configuration, endpoints) { Users = users };
        await File.WriteAllTextAsync(configuration, holdfast.Configuration(settings, settings.Data ?? Path.Combine(folder, "data"), tls), token);
        await holdfast.StartAsync(token);
        return holdfast;
    }

    public override Endpoint For(Mode mode) => _endpoints[mode];

    /// <summary>Starts the server on its data and waits until it says that it is ready.</summary>
    public async Task StartAsync(CancellationToken token)
    {
        _daemon = Daemon.Start(_lab, LogFile, new ToolCall(Executable, "serve", "--config", _configuration));
        using var http = new HttpClient();
        var url = new Uri(_endpoints[Mode.Plain].Url, "readyz");
        await _daemon.WaitUntilAsync(t => IsReadyAsync(http, url, t), TimeSpan.FromSeconds(60), token);
    }

    /// <summary>kill -9.</summary>
    public async Task KillAsync()
    {
        await _daemon!.KillAsync();
        await _daemon.DisposeAsync();
        _daemon = null;
    }

    public override async ValueTask DisposeAsync()
    {
        if (_daemon is { HasExited: false })
        {
            await _daemon.DisposeAsync();
        }
    }

    private static async Task<bool> IsReadyAsync(HttpClient http, Uri url, CancellationToken token)
    {
        try
        {
            using var response = await http.GetAsync(url, token);
            return response.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private string Configuration(HoldfastSettings settings, string data, Certificates tls)
    {
        var listeners = _endpoints.Values.Select(e =>
            $"  - {{ url: \"{e.Url.AbsoluteUri.TrimEnd('/')}\", registry: {Name(e.Mode)}"
            + (e.IsTls ? $", tls: {{ certificate: {tls.Certificate}, key: {tls.Key} }} }}" : " }"));
        if (settings.Cache is { } cache)
            listeners = listeners.Append($"  - {{ url: \"http://{Cache.Host}\", registry: {cache.Name} }}");
        return $$"""
            data: {{data}}
            listeners:
            {{string.Join('\n', listeners)}}
            registries:
              plain: { kind: hosted, auth: none }
              tls: { kind: hosted, auth: none }
              basic: { kind: hosted, auth: { htpasswd: {{Users}}, anonymous: [] } }
              bearer: { kind: hosted, auth: { htpasswd: {{Users}}, anonymous: [], token: {} } }
              anonymouspull: { kind: hosted, auth: { htpasswd: {{Users}}, anonymous: [pull], token: {} } }
            {{settings.Cache?.Yaml}}
            disk: { reserve: {{settings.Reserve}} }
            {{settings.More}}
            """;
    }

    private static string Name(Mode mode) => mode.ToString().ToLowerInvariant();
}
