using System.Diagnostics;
using System.Globalization;
using EndToEnd.Images;
using EndToEnd.Processes;

[assembly: AssemblyFixture(typeof(EndToEnd.Lab))]

namespace EndToEnd;

/// <summary>
/// The folder that everything of one run lives in: images, registries' data, every client's own storage. It ends the processes and
/// mounts that a test left, and those of an earlier run that was itself killed.
/// </summary>
public sealed class Lab : IAsyncDisposable
{
    private const string Prefix = "holdfast-e2e-";
    private int _folders;

    public Lab()
    {
        // Short, because the folder holds Unix sockets, whose paths may have 107 bytes.
        var parent = Path.GetTempPath();
        foreach (var old in Directory.GetDirectories(parent, Prefix + "*").Where(IsAbandoned))
        {
            Clear(old);
        }

        Root = Directory.CreateDirectory(Path.Combine(parent, Prefix + Environment.ProcessId.ToString(CultureInfo.InvariantCulture))).FullName;
        ProcessFolder = Directory.CreateDirectory(Path.Combine(Root, "pids")).FullName;
        File.WriteAllText(OwnerFile(Root), $"{Environment.ProcessId} {Daemon.StartTime(Environment.ProcessId)}");
        Images = new ImageShelf(this);
    }

    public string Root { get; }

    internal string ProcessFolder { get; }

    internal ImageShelf Images { get; }

    /// <summary>A new, empty folder.</summary>
    internal string NewFolder(string name) =>
        Directory.CreateDirectory(Path.Combine(Root, $"{name}{Interlocked.Increment(ref _folders)}")).FullName;

    public async ValueTask DisposeAsync()
    {
        await Images.DisposeAsync();
        if (Environment.GetEnvironmentVariable("E2E_KEEP") is null)
        {
            Clear(Root);
        }
    }

    private static string OwnerFile(string root) => Path.Combine(root, "owner");

    private static bool IsAbandoned(string root)
    {
        if (!File.Exists(OwnerFile(root)))
        {
            // Just being made by a process that lives, or half cleared by one that was killed at it.
            return !Directory.Exists($"/proc/{Path.GetFileName(root)[Prefix.Length..]}");
        }

        var owner = File.ReadAllText(OwnerFile(root)).Split(' ');
        return !string.Equals(Daemon.StartTime(int.Parse(owner[0], CultureInfo.InvariantCulture)), owner[1], StringComparison.Ordinal);
    }

    private static void Clear(string root)
    {
        var processes = Path.Combine(root, "pids");
        foreach (var file in Directory.Exists(processes) ? Directory.GetFiles(processes) : [])
        {
            var id = int.Parse(Path.GetFileName(file), CultureInfo.InvariantCulture);
            if (string.Equals(Daemon.StartTime(id), File.ReadAllText(file), StringComparison.Ordinal))
            {
                using var process = Process.GetProcessById(id);
                process.Kill(entireProcessTree: true);
                process.WaitForExit();
            }
        }

        // Containers' shims outlive the containerd that started them; their command line names its socket, which lies in this folder.
        foreach (var id in Shims(root))
        {
            using var shim = Process.GetProcessById(id);
            shim.Kill(entireProcessTree: true);
        }

        // Deepest first; lazily, since a process that is just ending may still hold one.
        foreach (var mount in Mounts(root).OrderByDescending(m => m.Length))
        {
            using var umount = Process.Start("umount", ["-l", mount]);
            umount.WaitForExit();
        }

        // Not Directory.Delete: images hold device files, read-only folders and links that lead nowhere.
        using var rm = Process.Start("rm", ["-rf", "--one-file-system", root]);
        rm.WaitForExit();
    }

    private static IEnumerable<int> Shims(string root) =>
        from process in Process.GetProcesses()
        where process.ProcessName.StartsWith("containerd-shim", StringComparison.Ordinal)
            && File.ReadAllText($"/proc/{process.Id}/cmdline").Contains(root + "/", StringComparison.Ordinal)
        select process.Id;

    private static IEnumerable<string> Mounts(string root) =>
        File.ReadLines("/proc/self/mounts").Select(line => line.Split(' ')[1]).Where(path => path.StartsWith(root + "/", StringComparison.Ordinal));
}
