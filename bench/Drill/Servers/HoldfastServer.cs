using System.Diagnostics;
using Holdfast.Drill.Protocol;
using Holdfast.Testing;

namespace Holdfast.Drill.Servers;

/// <summary>The real program on a data folder of its own, killed and started again as often as one likes.</summary>
internal sealed class HoldfastServer : IDisposable
{
    private readonly string _folder;
    private readonly int _port = FreePorts.Take();
    private Daemon? _daemon;

    /// <param name="folder">Holds the data, the configuration and the log.</param>
    public HoldfastServer(string program, string folder)
    {
        Program = File.Exists(program) ? Path.GetFullPath(program) : throw new DrillException($"{program} is not there; ./dev build makes it");
        _folder = folder;
        Data = Path.Combine(folder, "data");
        Client = new RegistryClient(Address);
        Admin = new AdminSocket(Path.Combine(Data, "admin.sock"));
    }

    public string Program { get; }

    /// <summary>What runs it: empty, or setpriv with its arguments.</summary>
    public IReadOnlyList<string> Wrapper { get; init; } = [];

    public string Data { get; }

    public Uri Address => new($"http://127.0.0.1:{_port}/");

    public RegistryClient Client { get; }

    public AdminSocket Admin { get; }

    public int ProcessId => _daemon!.Id;

    public bool IsRunning => _daemon is { HasExited: false };

    /// <summary>Of the configuration, from the next start.</summary>
    public Dictionary<string, string> Settings { get; } = new(StringComparer.Ordinal)
    {
        ["collection"] = "{ grace: 0s, lease: 1s, interval: 100ms, maxReviewsPerSecond: 1000000 }",
        ["trash"] = "{ keep: 0s }",
        ["scrub"] = "{ sweep: 1s }",
        ["disk"] = "{ reserve: 64MiB }",
        ["log"] = "{ level: information, access: { enabled: false } }",
    };

    /// <returns>How long it took to be ready.</returns>
    public async Task<TimeSpan> StartAsync(CancellationToken token)
    {
        var since = Stopwatch.StartNew();
        Begin();
        await _daemon!.WaitUntilReadyAsync(new Uri(Address, "readyz"), token);
        return since.Elapsed;
    }

    /// <summary>Starts it without waiting for anything.</summary>
    public void Begin()
    {
        _daemon?.Dispose();
        var configuration = Path.Combine(_folder, "holdfast.yaml");
        File.WriteAllText(configuration, $$"""
            data: {{Data}}
            listeners: [ { url: "{{Address.GetLeftPart(UriPartial.Authority)}}", registry: drill } ]
            registries: { drill: { kind: hosted, auth: none } }
            {{string.Join('\n', Settings.Select(setting => $"{setting.Key}: {setting.Value}"))}}

            """);
        _daemon = Daemon.Start(LogFile, [.. Wrapper, Program, "serve", "--config", configuration]);
    }

    public string LogFile => Path.Combine(_folder, "log");

    public string LogEnd() => _daemon?.LogEnd() ?? "";

    public Task KillAsync() => _daemon!.KillAsync();

    public Task StopAsync() => _daemon!.StopAsync();

    /// <returns>Its exit code and what it printed.</returns>
    public async Task<(int ExitCode, string Output)> RunCommandAsync(string[] arguments, CancellationToken token)
    {
        using var process = Process.Start(new ProcessStartInfo(Program, arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync(token);
        var output = await process.StandardOutput.ReadToEndAsync(token);
        await process.WaitForExitAsync(token);
        return (process.ExitCode, output + await errors);
    }

    /// <summary>Where a blob's bytes lie.</summary>
    public string BlobFile(string digest)
    {
        var (algorithm, hex) = (digest[..digest.IndexOf(':', StringComparison.Ordinal)], digest[(digest.IndexOf(':', StringComparison.Ordinal) + 1)..]);
        return Path.Combine(Data, "blobs", algorithm, hex[..2], hex);
    }

    public void Dispose()
    {
        _daemon?.Dispose();
        Client.Dispose();
        Admin.Dispose();
    }
}
