namespace Holdfast.Drill.Damage;

/// <summary>What happens to files behind a server's back.</summary>
internal static class Wounds
{
    private const UnixFileMode Writable = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode Everyone = (UnixFileMode)0x1FF;

    /// <summary>Any kind that takes no second file.</summary>
    public static void Inflict(string file, WoundKind kind, Random random)
    {
        switch (kind)
        {
            case WoundKind.Removed:
                Remove(file);
                break;
            case WoundKind.Truncated:
                Truncate(file);
                break;
            case WoundKind.Flipped:
                Flip(file, random);
                break;
            case WoundKind.Emptied:
                Empty(file);
                break;
            case WoundKind.Unreadable:
                MakeUnreadable(file);
                break;
            case WoundKind.Folder:
                Remove(file);
                Directory.CreateDirectory(file);
                // The drill may be root, and the server somebody who can move another's folder away only if it may write to it.
                File.SetUnixFileMode(file, Everyone);
                break;
            case WoundKind.Linked:
                File.Move(file, file + ".elsewhere");
                File.CreateSymbolicLink(file, file + ".elsewhere");
                break;
            case WoundKind.Swapped:
            default:
                throw new DrillException($"{kind} needs two files");
        }
    }

    /// <summary>Changes one bit in place.</summary>
    public static void Flip(string file, Random random) => Write(file, stream =>
    {
        if (stream.Length == 0)
            return;
        stream.Position = random.NextInt64(stream.Length);
        var old = stream.ReadByte();
        stream.Position--;
        stream.WriteByte((byte)(old ^ (1 << random.Next(8))));
    });

    public static void Truncate(string file) => Write(file, stream => stream.SetLength(stream.Length / 2));

    public static void Empty(string file) => Write(file, stream => stream.SetLength(0));

    public static void Remove(string file) => File.Delete(file);

    /// <summary>The owner may write it, but not read.</summary>
    public static void MakeUnreadable(string file) => File.SetUnixFileMode(file, UnixFileMode.UserWrite);

    /// <summary>Each gets the other's bytes.</summary>
    public static void Swap(string one, string other)
    {
        File.Move(one, one + ".swap");
        File.Move(other, one);
        File.Move(one + ".swap", other);
    }

    private static void Write(string file, Action<FileStream> change)
    {
        var mode = File.GetUnixFileMode(file);
        File.SetUnixFileMode(file, Writable);
        using (var stream = new FileStream(file, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
            change(stream);
        File.SetUnixFileMode(file, mode);
    }
}
