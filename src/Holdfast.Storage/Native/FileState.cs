namespace Holdfast.Storage.Native;

/// <summary>What the file system says of a file (statx(2)). Times are nanoseconds since 1970.</summary>
public readonly record struct FileState(long SizeBytes, long Inode, uint Links, long ChangedNs, long ModifiedNs)
{
    /// <summary>
    /// Another value after any write, truncation or replacement: the kernel sets the time of change at each of them, and no call sets it to another time.
    /// Never 0, which says that a blob was never hashed.
    /// </summary>
    public long Stamp
    {
        get
        {
            // FNV-1a over the three, so that no two of them cancel each other out.
            var hash = 0xcbf29ce484222325UL;
            foreach (var part in (ReadOnlySpan<long>)[Inode, ChangedNs, SizeBytes])
            {
                for (var shift = 0; shift < 64; shift += 8)
                    hash = unchecked((hash ^ (byte)(part >> shift)) * 0x100000001b3UL);
            }
            return hash == 0 ? 1 : unchecked((long)hash);
        }
    }
}
