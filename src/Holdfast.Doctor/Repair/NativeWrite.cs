using System.Runtime.InteropServices;
using Holdfast.Doctor.Registry2;
using Microsoft.Win32.SafeHandles;

namespace Holdfast.Doctor.Repair;

/// <summary>The Linux calls that .NET lacks or softens: a sync of a folder, a move that never becomes a copy, a change of owner.</summary>
internal static partial class NativeWrite
{
    /// <exception cref="IOException">They lie on different file systems, or it can't be done.</exception>
    public static void Rename(string from, string to)
    {
        if (rename(from, to) != 0)
            throw NativeFile.Fault(Marshal.GetLastPInvokeError(), "rename to", to);
    }

    /// <summary>The names in a folder are on the disk when this returns.</summary>
    public static void SyncFolder(string path)
    {
        using var folder = NativeFile.TryOpen(path) ?? throw new DirectoryNotFoundException($"there is no folder '{path}'");
        if (fsync(folder) != 0)
            throw NativeFile.Fault(Marshal.GetLastPInvokeError(), "sync", path);
    }

    public static void ChangeOwner(string path, uint user, uint group)
    {
        if (lchown(path, user, group) != 0)
            throw NativeFile.Fault(Marshal.GetLastPInvokeError(), "change the owner of", path);
    }

    public static bool IsRoot => geteuid() == 0;

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int rename(string from, string to);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fsync(SafeFileHandle file);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int lchown(string path, uint user, uint group);

    [LibraryImport("libc")]
    private static partial uint geteuid();
}
