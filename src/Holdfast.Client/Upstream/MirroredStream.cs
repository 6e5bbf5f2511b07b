namespace Holdfast.Client;

/// <summary>A blob that is received from one mirror and, if that one breaks for good, from the next where it ended.</summary>
internal sealed class MirroredStream : Stream
{
    private readonly BlobSource _source;
    private readonly HashSet<Mirror> _used;
    private readonly long? _sizeBytes;
    private RemoteBlob? _blob;
    private Mirror _mirror;
    private long _position;
    private DateTimeOffset _readAt;

    /// <param name="giver">Whose place among the connections is given back when this is disposed.</param>
    public MirroredStream(BlobSource source, RemoteBlob blob, Mirror giver, long fromBytes)
    {
        (_source, _blob, _mirror, _position, _sizeBytes) = (source, blob, giver, fromBytes, blob.SizeBytes);
        _used = [giver];
        _readAt = giver.Now;
    }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => _position;
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            ObjectDisposedException.ThrowIf(_blob is null, this);
            try
            {
                return Count(await _blob.Content.ReadAsync(buffer, cancellationToken));
            }
            catch (BlobBrokenException e) when (!IsTooLong)
            {
                _mirror.Note(_source.Name, _readAt, e.Failure);
                await GoOnAsync(e, cancellationToken);
            }
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("a network is read asynchronously");

    public override void Flush() => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            GiveBack();
        base.Dispose(disposing);
    }

    private bool IsTooLong => _position > _sizeBytes;

    // A mirror that takes over may say no size, and could go on for ever.
    private int Count(int read)
    {
        _position += read;
        _readAt = _mirror.Now;
        return IsTooLong
            ? throw new BlobBrokenException(new RegistryFailure(RegistryOutcome.Mismatch, $"{_mirror.Host} sends more than the {_sizeBytes} bytes that were stated before"))
            : read;
    }

    private async ValueTask GoOnAsync(BlobBrokenException broken, CancellationToken token)
    {
        GiveBack();
        var (answer, giver) = await _source.OpenAsync(_position, _used, token);
        // Of several, one that has it no longer doesn't say that there is none (P6).
        if (_source.HasSeveral && broken.Failure.Outcome is (RegistryOutcome.Unknown or RegistryOutcome.Denied))
            broken = new BlobBrokenException(broken.Failure with { Outcome = RegistryOutcome.Unavailable });
        if (answer is null)
            throw broken;
        if (!answer.TryGet(out var blob, out var failure))
            throw new BlobBrokenException(broken.Failure with { Detail = $"{broken.Failure.Detail}; no other mirror could go on: {failure.Detail}" });
        (_blob, _mirror) = (blob, giver!);
        _used.Add(giver!);
        if (_sizeBytes is { } size && blob.SizeBytes is { } other && size != other)
            throw new BlobBrokenException(new RegistryFailure(RegistryOutcome.Mismatch, $"{giver!.Host} states {other} bytes where {size} were stated before; {broken.Failure.Detail}"));
    }

    private void GiveBack()
    {
        if (_blob is not { } blob)
            return;
        _blob = null;
        blob.Content.Dispose();
        _mirror.EndBlob();
    }
}
