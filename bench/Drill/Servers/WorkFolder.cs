using System.Diagnostics;

namespace Holdfast.Drill.Servers;

/// <summary>A new folder for one drill; gone afterwards, unless it is to be looked into.</summary>
internal sealed class WorkFolder : IDisposable
{
    private readonly bool _keeps;

    /// <param name="parent">Null: the system's folder for temporary files.</param>
    public WorkFolder(string? parent, bool keeps)
    {
        _keeps = keeps;
        Path = Directory.CreateDirectory(System.IO.Path.Combine(parent ?? System.IO.Path.GetTempPath(), $"drill-{Environment.ProcessId}-{Environment.TickCount64:x}")).FullName;
    }

    public string Path { get; }

    public string Sub(string name) => Directory.CreateDirectory(System.IO.Path.Combine(Path, name)).FullName;

    public void Dispose()
    {
        if (_keeps)
        {
            Console.Error.WriteLine($"drill: kept {Path}");
            return;
        }

        // Not Directory.Delete: drills take permissions away and give folders to another user.
        using var rm = Process.Start("rm", ["-rf", "--one-file-system", Path]);
        rm.WaitForExit();
    }
}
