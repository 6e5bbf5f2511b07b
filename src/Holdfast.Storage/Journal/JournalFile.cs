namespace Holdfast.Storage.Journal;

/// <summary>Reads a journal file line by line, a damaged one too.</summary>
internal static class JournalFile
{
    private const int MinBufferBytes = 4096;
    private const int BufferBytes = 1024 * 1024;
    private const int TailBytes = 64 * 1024;

    /// <param name="Offset">Where the line begins.</param>
    /// <param name="Record">Null if the line is damaged, or has no end.</param>
    public readonly record struct Line(long Offset, long EndOffset, JournalRecord? Record);

    /// <exception cref="IOException">The file can't be read.</exception>
    public static IEnumerable<Line> Read(string path) => Read(JournalFolderFiles.OpenFile, path);

    /// <exception cref="IOException">The file can't be read.</exception>
    public static IEnumerable<Line> Read(Func<string, JournalBytes> open, string path) => Split(open, path).Select(line =>
        new Line(line.Offset, line.Offset + line.Bytes.Length + (line.IsEnded ? 1 : 0), line.IsEnded ? TryRead(line.Bytes) : null));

    // The bytes are good until the next line is asked for.
    private static IEnumerable<(long Offset, ReadOnlyMemory<byte> Bytes, bool IsEnded)> Split(Func<string, JournalBytes> open, string path)
    {
        using var file = open(path);
        var buffer = new byte[(int)Math.Clamp(file.Length + 1, MinBufferBytes, BufferBytes)];
        var (filled, start, offset) = (0, 0, 0L);
        while (true)
        {
            var end = buffer.AsSpan(start, filled - start).IndexOf((byte)'\n');
            if (end >= 0)
            {
                yield return (offset, buffer.AsMemory(start, end), true);
                (start, offset) = (start + end + 1, offset + end + 1);
                continue;
            }
            buffer.AsSpan(start, filled - start).CopyTo(buffer);
            (filled, start) = (filled - start, 0);
            if (filled == buffer.Length)
                Array.Resize(ref buffer, buffer.Length * 2);
            var read = file.Read(buffer.AsSpan(filled), offset + filled);
            if (read > 0)
            {
                filled += read;
                continue;
            }
            if (filled > 0)
                yield return (offset, buffer.AsMemory(0, filled), false);
            yield break;
        }
    }

    /// <summary>Compares checksums only, which is a matter of reading. The last line may be one that is just being written.</summary>
    /// <returns>Where the first damaged line begins; null if there is none.</returns>
    public static long? FindDamage(string path, CancellationToken cancellationToken)
    {
        long? suspect = null;
        foreach (var line in Split(JournalFolderFiles.OpenFile, path))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (suspect is not null)
                return suspect;
            if (!line.IsEnded || !JournalBuffer.TryOpen(line.Bytes, out _))
                suspect = line.Offset;
        }
        return null;
    }

    /// <summary>The first and the last line alone, as a start reads them. The last is null if it is damaged, or too long for this to find its beginning.</summary>
    public static (JournalRecord? First, JournalRecord? Last, long LengthBytes) ReadEnds(string path) => ReadEnds(JournalFolderFiles.OpenFile, path);

    public static (JournalRecord? First, JournalRecord? Last, long LengthBytes) ReadEnds(Func<string, JournalBytes> open, string path)
    {
        using var file = open(path);
        var length = file.Length;
        return (ReadFirst(file), ReadLast(file, length), length);
    }

    private static JournalRecord? ReadFirst(JournalBytes file)
    {
        var bytes = new byte[512];
        var read = file.Read(bytes, 0);
        var end = bytes.AsSpan(0, read).IndexOf((byte)'\n');
        return end < 0 ? null : TryRead(bytes.AsMemory(0, end));
    }

    private static JournalRecord? ReadLast(JournalBytes file, long length)
    {
        var bytes = new byte[(int)Math.Min(length, TailBytes)];
        var read = file.Read(bytes, length - bytes.Length);
        if (read != bytes.Length || read == 0 || bytes[^1] != '\n')
            return null;
        var start = bytes.AsSpan(0, read - 1).LastIndexOf((byte)'\n') + 1;
        return start == 0 && length > read ? null : TryRead(bytes.AsMemory(start, read - 1 - start));
    }

    // What has the right checksum was written so; what then can't be understood comes from a later program, and that isn't damage.
    private static JournalRecord? TryRead(ReadOnlyMemory<byte> line) => JournalRecord.TryRead(line);
}
