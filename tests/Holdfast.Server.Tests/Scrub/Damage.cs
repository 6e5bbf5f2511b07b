namespace Holdfast.Server.Tests.Scrub;

/// <summary>What may happen to a stored file from outside.</summary>
internal static class Damage
{
    public static void Do(string damage, string file)
    {
        var bytes = File.ReadAllBytes(file);
        var modified = File.GetLastWriteTimeUtc(file);
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        switch (damage)
        {
            case "remove":
                File.Delete(file);
                return;
            case "truncate":
                File.WriteAllBytes(file, bytes[..(bytes.Length / 2)]);
                return;
            case "empty":
                File.WriteAllBytes(file, []);
                return;
            case "append":
                File.WriteAllBytes(file, [.. bytes, 1]);
                return;
            case "flip":
            case "flip and keep the time":
                Flip(file, bytes.Length / 2);
                if (damage != "flip")
                    File.SetLastWriteTimeUtc(file, modified);
                return;
            case "replace":
                // Another file, of the same size and time.
                Array.Reverse(bytes);
                File.WriteAllBytes(file + ".new", bytes);
                File.SetLastWriteTimeUtc(file + ".new", modified);
                File.Move(file + ".new", file, overwrite: true);
                return;
            default:
                throw new ArgumentException($"'{damage}' is no damage", nameof(damage));
        }
    }

    /// <summary>One bit, in place.</summary>
    public static void Flip(string file, long offset)
    {
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        using var stream = new FileStream(file, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
        stream.Position = offset;
        var old = stream.ReadByte();
        stream.Position = offset;
        stream.WriteByte((byte)(old ^ 1));
    }
}
