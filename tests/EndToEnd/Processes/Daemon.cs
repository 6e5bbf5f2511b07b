using System.Diagnostics;
using System.Globalization;

namespace EndToEnd.Processes;

/// <summary>A program that runs until it is stopped; its output goes to a log file, its id into the lab's list of processes to end.</summary>
internal sealed class Daemon : IAsyncDisposable
{
    private readonly Process _process;
    private readonly string _pidFile;

    private Daemon(Process process, string pidFile, string log)
    {
        _process = process;
        _pidFile = pidFile;
        LogFile = log;
    }

    public string LogFile { get; }

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    public static Daemon Start(Lab lab, string log, ToolCall call)
    {
        // The shell hands its place to the program, so that the id is the program's, and the log needs no reader here.
        var start = new ProcessStartInfo("/bin/sh", ["-c", "exec \"$@\" >>\"$E2E_LOG\" 2>&1 </dev/null", "sh", call.Program, .. call.Arguments])
        {
            WorkingDirectory = call.Directory ?? lab.Root,
        };
        // HOLDFAST_EXE is for the tests; to the server it would be a key that its configuration doesn't know.
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("HOLDFAST_", StringComparison.Ordinal)).ToList())
        {
            start.Environment.Remove(name);
        }

        start.Environment["E2E_LOG"] = log;
        foreach (var (name, value) in call.Environment)
        {
            start.Environment[name] = value;
        }

        var process = Process.Start(start)!;
        var pidFile = Path.Combine(lab.ProcessFolder, process.Id.ToString(CultureInfo.InvariantCulture));
        File.WriteAllText(pidFile, StartTime(process.Id) ?? "");
        return new Daemon(process, pidFile, log);
    }

    /// <summary>Waits until a condition holds; a daemon that ends meanwhile fails the wait with its log.</summary>
    public async Task WaitUntilAsync(Func<CancellationToken, Task<bool>> ready, TimeSpan limit, CancellationToken token)
    {
        var watch = Stopwatch.StartNew();
        while (!await ready(token))
        {
            if (_process.HasExited || watch.Elapsed > limit)
            {
                throw new InvalidOperationException(
                    $"process {Id} {(_process.HasExited ? "ended" : "is not ready")} after {watch.Elapsed}\n{await LogAsync(token)}");
            }

            await Task.Delay(20, token);
        }
    }

    public async Task<string> LogAsync(CancellationToken token) =>
        File.Exists(LogFile) ? await File.ReadAllTextAsync(LogFile, token) : "";

    /// <summary>SIGKILL: the program gets no chance to tidy up.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync(CancellationToken.None);
        File.Delete(_pidFile);
    }

    /// <summary>SIGTERM, and SIGKILL for what hasn't ended after a while.</summary>
    /// <returns>Whether it ended by itself.</returns>
    public async Task<bool> TerminateAsync(TimeSpan limit)
    {
        await new ToolCall("kill", "-TERM", Id.ToString(CultureInfo.InvariantCulture)).RunAsync(CancellationToken.None);
        using var waiting = new CancellationTokenSource(limit);
        try
        {
            await _process.WaitForExitAsync(waiting.Token);
            File.Delete(_pidFile);
            return true;
        }
        catch (OperationCanceledException)
        {
            await KillAsync();
            return false;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            await TerminateAsync(TimeSpan.FromSeconds(10));
        }

        _process.Dispose();
    }

    /// <summary>Field 22 of /proc/PID/stat: with the id it names one process for good, since ids are used again.</summary>
    internal static string? StartTime(int id)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{id}/stat");
            return stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[19];
        }
        catch (IOException)
        {
            return null;
        }
    }
}
