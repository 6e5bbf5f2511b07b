using System.Runtime.InteropServices;

namespace Holdfast.Bench.Measure;

/// <summary>The machine's own disks, where servers that are measured by --pid keep what they were sent.</summary>
internal static class Disks
{
    /// <summary>Writes back what is dirty (sync(2)): it belongs to the measurement that wrote it, not to the next.</summary>
    public static void WriteBack() => NativeSync();

    [DllImport("libc", EntryPoint = "sync")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern void NativeSync();
}
