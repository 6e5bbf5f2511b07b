namespace Holdfast.Storage.FileSystem;

/// <summary>
/// How many uploads may keep their file open between two requests. The kernel tells a failed write-back to those who have the file open; to
/// one who opens it later only if it still remembers the file. So a file is closed without a sync only when all of it is synced (P1).
/// </summary>
internal sealed class ParkedFiles
{
    // An idle session should cost no file handle, and the usual push comes back in milliseconds.
    private const int Max = 256;

    private int _count;

    /// <returns>False if there are as many as may be: sync the file, then close it.</returns>
    public bool TryAdd()
    {
        if (Interlocked.Increment(ref _count) <= Max)
            return true;
        Interlocked.Decrement(ref _count);
        return false;
    }

    public void Remove() => Interlocked.Decrement(ref _count);
}
