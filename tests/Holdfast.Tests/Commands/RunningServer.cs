using System.Diagnostics;
using System.Globalization;
using System.Net;

namespace Holdfast.Tests.Commands;

/// <summary>A <c>holdfast serve</c> in a folder of its own, from its readiness lines to its end.</summary>
internal sealed class RunningServer : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly List<string> _output = [];
    private readonly List<string> _errors = [];
    private readonly Task _reading;
    private readonly HttpClient _client = new(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.Zero }) { Timeout = Patience };

    private RunningServer(Process process)
    {
        _process = process;
        _reading = Task.WhenAll(ReadAsync(process.StandardOutput, _output), ReadAsync(process.StandardError, _errors));
    }

    public int Id => _process.Id;

    /// <summary>Of the readiness lines, in their order.</summary>
    public IReadOnlyList<Uri> Addresses { get; private set; } = [];

    public HttpClient Client => _client;

    public IReadOnlyList<string> Output => Copy(_output);

    public IReadOnlyList<string> Errors => Copy(_errors);

    /// <summary>Starts it and waits for its readiness lines, one for each listener.</summary>
    public static async Task<RunningServer> StartAsync(string folder, string[] arguments, int listeners = 1, params (string Name, string Value)[] environment)
    {
        // A shell that started the tests in the background had them, and so their children, ignore SIGINT; env gives it back.
        string[] all = ["--default-signal=INT,TERM", HoldfastProcess.Program, "serve", .. arguments];
        var server = new RunningServer(Process.Start(HoldfastProcess.Describe("/usr/bin/env", folder, all, environment))!);
        try
        {
            await server.WaitForAsync(() => server.FindAddresses().Count == listeners, "its readiness lines");
            server.Addresses = server.FindAddresses();
            server._client.BaseAddress = server.Addresses[0];
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public Task WaitForErrorAsync(string text) => WaitForAsync(() => Errors.Any(line => line.Contains(text, StringComparison.Ordinal)), $"'{text}' on standard error");

    /// <summary>Waits until new requests are refused.</summary>
    public Task WaitForDrainAsync() => WaitForAsync(
        () => _client.GetAsync("/readyz").GetAwaiter().GetResult().StatusCode == HttpStatusCode.ServiceUnavailable, "the drain");

    public void Signal(string name)
    {
        using var kill = Process.Start("kill", [$"-{name}", Id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    /// <returns>The exit code, after everything that it wrote was read.</returns>
    public async Task<int> WaitForExitAsync()
    {
        using var limit = new CancellationTokenSource(Patience);
        await _process.WaitForExitAsync(limit.Token);
        await _reading;
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill();
        await WaitForExitAsync();
        _process.Dispose();
        _client.Dispose();
    }

    private List<Uri> FindAddresses() =>
        [.. Output.Concat(Errors)
            .Where(line => line.Contains("serves registry", StringComparison.Ordinal) && line.Contains(" on http", StringComparison.Ordinal))
            .Select(line => line[(line.IndexOf(" on http", StringComparison.Ordinal) + 4)..])
            .Select(line => new Uri(line[..line.IndexOf(' ', StringComparison.Ordinal)]))];

    private async Task WaitForAsync(Func<bool> isTrue, string what)
    {
        var since = Stopwatch.StartNew();
        while (!isTrue())
        {
            if (_process.HasExited || since.Elapsed > Patience)
                throw new TimeoutException($"waited in vain for {what}; standard output:\n{string.Join('\n', Output)}\nstandard error:\n{string.Join('\n', Errors)}");
            await Task.Delay(20);
        }
    }

    private static async Task ReadAsync(StreamReader reader, List<string> lines)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            lock (lines)
                lines.Add(line);
        }
    }

    private static string[] Copy(List<string> lines)
    {
        lock (lines)
            return [.. lines];
    }
}
