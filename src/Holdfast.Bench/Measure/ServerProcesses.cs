using System.Globalization;

namespace Holdfast.Bench.Measure;

/// <summary>CPU and memory of processes and their children, from /proc (proc(5)). Kernel threads that write back pages aren't in it.</summary>
internal sealed class ServerProcesses(IReadOnlyList<int> roots)
{
    // USER_HZ: fixed at 100 in the kernel's interface on every architecture that .NET runs on.
    private const double TicksPerSecond = 100;

    public bool Any => roots.Count > 0;

    /// <summary>Has one of them ended? What it used is then known no more.</summary>
    public bool HasEnded => roots.Any(static pid => StateOf(pid) is null or 'Z' or 'X');

    /// <summary>Would its CPU time hold this process's own?</summary>
    public static bool IsAbove(int process)
    {
        for (var pid = Environment.ProcessId; pid > 0; pid = (int)(Stat(pid)?[3] ?? 0))
        {
            if (pid == process)
                return true;
        }
        return false;
    }

    /// <summary>Restarts the kernel's peak memory count; without permission the peak stays that of the process's whole life.</summary>
    public void ResetPeak()
    {
        foreach (var pid in Tree())
        {
            try
            {
                File.WriteAllText($"/proc/{pid}/clear_refs", "5");
            }
            catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
            {
                continue;
            }
        }
    }

    /// <returns>User and system time so far, children that have ended included.</returns>
    public double CpuSeconds() => Tree().Sum(pid => Stat(pid) is { } stat ? (stat[13] + stat[14] + stat[15] + stat[16]) / TicksPerSecond : 0);

    public long PeakBytes() => Tree().Sum(pid => StatusBytes(pid, "VmHWM:"));

    public long ResidentBytes() => Tree().Sum(pid => StatusBytes(pid, "VmRSS:"));

    /// <returns>Time that all cores together have been busy since the machine's start.</returns>
    public static double MachineCpuSeconds()
    {
        // user nice system idle iowait irq softirq steal; the last is time that this machine didn't have.
        var fields = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries)[1..8];
        var times = fields.Select(field => long.Parse(field, CultureInfo.InvariantCulture)).ToArray();
        return (times.Sum() - times[3] - times[4]) / TicksPerSecond;
    }

    private HashSet<int> Tree()
    {
        var tree = roots.ToHashSet();
        if (tree.Count == 0)
            return tree;

        var parents = Directory.EnumerateDirectories("/proc")
            .Select(folder => int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var pid) ? pid : 0)
            .Where(pid => pid > 0)
            .Select(pid => (Pid: pid, Parent: (int)(Stat(pid)?[3] ?? 0)))
            .ToList();
        for (var before = 0; before != tree.Count;)
        {
            before = tree.Count;
            tree.UnionWith(parents.Where(entry => tree.Contains(entry.Parent)).Select(entry => entry.Pid));
        }

        return tree;
    }

    /// <returns>The fields by their number in proc(5) less one; null when the process is gone.</returns>
    private static long[]? Stat(int pid) => StatText(pid) is { } text
        ? [0, 0, .. text.Split(' ').Select(field => long.TryParse(field, CultureInfo.InvariantCulture, out var value) ? value : 0)]
        : null;

    private static char? StateOf(int pid) => StatText(pid)?[0];

    /// <returns>From the third field on; null when the process is gone.</returns>
    private static string? StatText(int pid)
    {
        try
        {
            // The second field is the name in brackets and may hold anything.
            var text = File.ReadAllText($"/proc/{pid}/stat");
            return text[(text.LastIndexOf(')') + 2)..];
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static long StatusBytes(int pid, string name)
    {
        try
        {
            var line = File.ReadLines($"/proc/{pid}/status").FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal));
            return line is null ? 0 : long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2].Split('\t')[^1], CultureInfo.InvariantCulture) * 1024;
        }
        catch (IOException)
        {
            return 0;
        }
    }
}
