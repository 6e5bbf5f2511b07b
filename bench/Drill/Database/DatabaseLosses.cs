namespace Holdfast.Drill.Database;

internal enum DatabaseLoss
{
    Deleted,
    DeletedWithoutItsLog,
    Truncated,
    Emptied,
    OlderCopy,
    Garbage,
    GarbageInside,
}

internal static class DatabaseLosses
{
    private const string Name = "holdfast.db";

    /// <param name="older">A folder with an earlier state of it.</param>
    public static void Inflict(DatabaseLoss kind, string data, string older, Random random)
    {
        var file = Path.Combine(data, Name);
        switch (kind)
        {
            case DatabaseLoss.Deleted:
                RemoveAll(data);
                break;
            case DatabaseLoss.DeletedWithoutItsLog:
                File.Delete(file);
                break;
            case DatabaseLoss.Truncated:
                Change(file, stream => stream.SetLength(stream.Length / 2));
                break;
            case DatabaseLoss.Emptied:
                Change(file, stream => stream.SetLength(0));
                break;
            case DatabaseLoss.OlderCopy:
                RemoveAll(data);
                foreach (var copy in Directory.GetFiles(older))
                    File.Copy(copy, Path.Combine(data, Path.GetFileName(copy)));
                break;
            case DatabaseLoss.Garbage:
                RemoveAll(data);
                File.WriteAllBytes(file, Bytes(random, 100_000));
                break;
            case DatabaseLoss.GarbageInside:
                Change(file, stream =>
                {
                    stream.Position = stream.Length / 3;
                    stream.Write(Bytes(random, 64 << 10));
                });
                break;
            default:
                throw new DrillException($"unknown loss {kind}");
        }
    }

    private static void RemoveAll(string data)
    {
        foreach (var file in Directory.GetFiles(data, Name + "*"))
            File.Delete(file);
    }

    private static void Change(string file, Action<FileStream> change)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.ReadWrite);
        change(stream);
    }

    private static byte[] Bytes(Random random, int count)
    {
        var bytes = new byte[count];
        random.NextBytes(bytes);
        return bytes;
    }
}
