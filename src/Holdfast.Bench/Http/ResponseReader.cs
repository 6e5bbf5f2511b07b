using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Holdfast.Bench.Http;

/// <summary>
/// Reads one HTTP/1.1 response from whatever pieces arrive. It knows only what a load generator needs, since each
/// microsecond spent here is taken from the server on the same machine.
/// </summary>
internal sealed class ResponseReader
{
    private readonly byte[] _line = new byte[16 * 1024];
    private int _lineLength;
    private State _state;
    private long _remaining;
    private bool _bodiless;

    private enum State
    {
        Head,
        Body,
        ChunkSize,
        Chunk,
        ChunkEnd,
        Trailer,
        Done,
    }

    public int Status { get; private set; }

    public long BodyBytes { get; private set; }

    public bool KeepAlive { get; private set; }

    /// <summary>Set to have the body hashed.</summary>
    public IncrementalHash? Hash { get; set; }

    /// <summary>Set to have the body kept.</summary>
    public MemoryStream? Body { get; set; }

    /// <summary>Location and OCI-Tag cost allocations and are read only on demand.</summary>
    public bool ReadsHeaders { get; init; }

    public string? Location { get; private set; }

    /// <summary>How many tags the server says it set (dist-spec dev, several tags per PUT).</summary>
    public int TagsSet { get; private set; }

    /// <param name="bodiless">The request was a HEAD: a length may be stated but nothing follows.</param>
    public void Begin(bool bodiless)
    {
        _state = State.Head;
        _bodiless = bodiless;
        _lineLength = 0;
        BodyBytes = 0;
        Status = 0;
        Location = null;
        TagsSet = 0;
        // What an exchange that broke has left there.
        Hash?.GetHashAndReset();
    }

    /// <returns>True when the response is complete.</returns>
    /// <exception cref="RequestFailedException">The bytes are no HTTP/1.1 response, or more than one.</exception>
    public bool Feed(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0 && _state != State.Done)
        {
            bytes = _state switch
            {
                State.Head => FeedHead(bytes),
                State.Body or State.Chunk => FeedBody(bytes),
                _ => FeedLine(bytes),
            };
        }

        if (bytes.Length > 0 && KeepAlive)
            throw new RequestFailedException("bytes after the response");
        return _state == State.Done;
    }

    private ReadOnlySpan<byte> FeedHead(ReadOnlySpan<byte> bytes)
    {
        var end = _lineLength == 0 ? bytes.IndexOf("\r\n\r\n"u8) : -1;
        if (end >= 0)
        {
            ParseHead(bytes[..(end + 2)]);
            return bytes[(end + 4)..];
        }

        // A head in several pieces: rare, so byte by byte.
        for (var i = 0; i < bytes.Length; i++)
        {
            Append(bytes[i]);
            if (bytes[i] == '\n' && _line.AsSpan(0, _lineLength).EndsWith("\r\n\r\n"u8))
            {
                ParseHead(_line.AsSpan(0, _lineLength - 2));
                _lineLength = 0;
                return bytes[(i + 1)..];
            }
        }

        return [];
    }

    private void ParseHead(ReadOnlySpan<byte> head)
    {
        if (head.Length < 12 || !head.StartsWith("HTTP/1."u8) || !Utf8Parser.TryParse(head[9..12], out int status, out _))
            throw new RequestFailedException("malformed response");

        Status = status;
        KeepAlive = head[7] == '1';
        var length = -1L;
        var chunked = false;
        head = head[(head.IndexOf("\r\n"u8) + 2)..];
        while (head.Length > 0)
        {
            var line = head[..head.IndexOf("\r\n"u8)];
            head = head[(line.Length + 2)..];
            var colon = line.IndexOf((byte)':');
            if (colon > 0)
                ReadHeader(line[..colon], line[(colon + 1)..].Trim((byte)' '), ref length, ref chunked);
        }

        if (status is >= 100 and < 200)
            return; // an interim answer: the real head follows
        BeginBody(length, chunked);
    }

    private void ReadHeader(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, ref long length, ref bool chunked)
    {
        // The lengths tell nearly all headers apart before a byte is compared.
        if (name.Length == 14 && Ascii.EqualsIgnoreCase(name, "content-length"u8))
        {
            if (!Utf8Parser.TryParse(value, out length, out var used) || used != value.Length)
                throw new RequestFailedException("malformed response");
        }
        else if (name.Length == 17 && Ascii.EqualsIgnoreCase(name, "transfer-encoding"u8))
        {
            chunked = Ascii.EqualsIgnoreCase(value, "chunked"u8);
        }
        else if (name.Length == 10 && Ascii.EqualsIgnoreCase(name, "connection"u8))
        {
            KeepAlive = !Ascii.EqualsIgnoreCase(value, "close"u8);
        }
        else if (ReadsHeaders && name.Length == 8 && Ascii.EqualsIgnoreCase(name, "location"u8))
        {
            Location = Encoding.ASCII.GetString(value);
        }
        else if (ReadsHeaders && name.Length == 7 && Ascii.EqualsIgnoreCase(name, "oci-tag"u8))
        {
            TagsSet += 1 + value.Count((byte)',');
        }
    }

    private void BeginBody(long length, bool chunked)
    {
        if (_bodiless || Status is 204 or 304)
        {
            _state = State.Done;
        }
        else if (chunked)
        {
            _state = State.ChunkSize;
        }
        else if (length >= 0)
        {
            _remaining = length;
            _state = length == 0 ? State.Done : State.Body;
        }
        else if (Status >= 400)
        {
            // Its status is all that matters of it.
            KeepAlive = false;
            _state = State.Done;
        }
        else
        {
            // A body that ends with the connection can't be told from one that was cut off.
            throw new RequestFailedException("response without a length");
        }
    }

    private ReadOnlySpan<byte> FeedBody(ReadOnlySpan<byte> bytes)
    {
        var part = bytes[..(int)Math.Min(bytes.Length, _remaining)];
        Hash?.AppendData(part);
        Body?.Write(part);
        BodyBytes += part.Length;
        _remaining -= part.Length;
        if (_remaining == 0)
            _state = _state == State.Body ? State.Done : State.ChunkEnd;
        return bytes[part.Length..];
    }

    private ReadOnlySpan<byte> FeedLine(ReadOnlySpan<byte> bytes)
    {
        var end = bytes.IndexOf((byte)'\n');
        foreach (var value in end < 0 ? bytes : bytes[..end])
            Append(value);
        if (end < 0)
            return [];

        var line = _line.AsSpan(0, _lineLength).TrimEnd((byte)'\r');
        _lineLength = 0;
        EndLine(line);
        return bytes[(end + 1)..];
    }

    private void EndLine(ReadOnlySpan<byte> line)
    {
        if (_state == State.ChunkEnd && line.IsEmpty)
        {
            _state = State.ChunkSize;
        }
        else if (_state == State.Trailer)
        {
            if (line.IsEmpty)
                _state = State.Done;
        }
        else if (_state == State.ChunkSize && Utf8Parser.TryParse(line, out long size, out _, 'x') && size >= 0)
        {
            _remaining = size;
            _state = size == 0 ? State.Trailer : State.Chunk;
        }
        else
        {
            throw new RequestFailedException("malformed response");
        }
    }

    private void Append(byte value)
    {
        if (_lineLength == _line.Length)
            throw new RequestFailedException("malformed response");
        _line[_lineLength++] = value;
    }
}
