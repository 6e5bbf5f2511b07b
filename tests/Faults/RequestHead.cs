using System.Text;

namespace Holdfast.Testing;

/// <summary>Reads a request without a body.</summary>
internal static class RequestHead
{
    private const int MaxBytes = 64 << 10;

    /// <returns>Null if none comes any more.</returns>
    public static async Task<Asked?> ReadAsync(Stream stream)
    {
        var text = await ReadTextAsync(stream);
        if (text is null)
            return null;
        var lines = text.Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        var words = lines[0].Split(' ');
        var headers = lines.Skip(1).Select(static line => (line[..line.IndexOf(':', StringComparison.Ordinal)], line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim()));
        return new Asked(words[0], words[1], [.. headers]);
    }

    // Byte by byte at the end only: clients send nothing after a head without a body.
    private static async Task<string?> ReadTextAsync(Stream stream)
    {
        var (buffer, length) = (new byte[MaxBytes], 0);
        while (length < MaxBytes)
        {
            var read = await stream.ReadAsync(buffer.AsMemory(length));
            if (read == 0)
                return null;
            length += read;
            if (buffer.AsSpan(0, length).EndsWith("\r\n\r\n"u8))
                return Encoding.Latin1.GetString(buffer, 0, length);
        }
        throw new IOException("a head of more than 64 KiB");
    }
}
