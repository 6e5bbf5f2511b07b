using System.Diagnostics;
using System.Globalization;

namespace Holdfast.Drill.Servers;

/// <summary>A server's process; its output goes to a file. It is ended by its own id, and with this object at the latest.</summary>
internal sealed class Daemon : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly string _log;

    private Daemon(Process process, string log)
    {
        _process = process;
        _log = log;
    }

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    public static Daemon Start(string log, IReadOnlyList<string> command)
    {
        // The shell hands its place to the program, so that the id is the program's, and the log needs no reader here.
        var start = new ProcessStartInfo("/bin/sh", ["-c", "exec \"$@\" >>\"$DRILL_LOG\" 2>&1 </dev/null", "sh", .. command]) { UseShellExecute = false };
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("HOLDFAST_", StringComparison.Ordinal)).ToList())
            start.Environment.Remove(name);
        start.Environment["DRILL_LOG"] = log;
        return new Daemon(Process.Start(start)!, log);
    }

    /// <exception cref="DrillException">It ended instead, or didn't answer in time; the message has the end of its log.</exception>
    public async Task WaitUntilReadyAsync(Uri url, CancellationToken token)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        var since = Stopwatch.StartNew();
        while (!await AnswersAsync(http, url, token))
        {
            if (_process.HasExited || since.Elapsed > Patience)
                throw new DrillException($"the server {(_process.HasExited ? $"ended with {_process.ExitCode}" : "is not ready")} after {since.Elapsed.TotalSeconds:0.0} s:\n{LogEnd()}");
            await Task.Delay(5, token);
        }
    }

    /// <summary>SIGKILL.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync(CancellationToken.None);
    }

    /// <summary>SIGTERM, and SIGKILL for what doesn't end.</summary>
    public async Task StopAsync()
    {
        using (var kill = Process.Start("kill", [Id.ToString(CultureInfo.InvariantCulture)]))
            await kill.WaitForExitAsync(CancellationToken.None);
        using var limit = new CancellationTokenSource(Patience);
        try
        {
            await _process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            await KillAsync();
            throw new DrillException($"the server didn't end within {Patience.TotalSeconds:0} s of SIGTERM:\n{LogEnd()}");
        }
    }

    public string LogEnd() => File.Exists(_log) ? string.Join('\n', File.ReadLines(_log).Where(line => !line.Contains("HTTP/1.1", StringComparison.Ordinal)).TakeLast(15)) : "";

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    private static async Task<bool> AnswersAsync(HttpClient http, Uri url, CancellationToken token)
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
}
