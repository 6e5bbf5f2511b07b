using Holdfast.Oci;
using Holdfast.Storage.Blobs;

namespace Holdfast.Server.Tests.Caching;

/// <summary>A store that is full after so many bytes, as a disk.</summary>
internal sealed class FullStore(IBlobStore inner) : IBlobStore
{
    private long _left = long.MaxValue;

    /// <summary>Bytes that still fit.</summary>
    public long LeftBytes
    {
        get => Interlocked.Read(ref _left);
        set => Interlocked.Exchange(ref _left, value);
    }

    /// <summary>Does it say so when it is asked for its free space, or only when something is written?</summary>
    public bool SaysSo { get; set; }

    /// <summary>Is there more room when something goes?</summary>
    public bool CountsFreed { get; init; }

    /// <summary>Fails with this instead of "full".</summary>
    public bool IsBroken { get; set; }

    public ValueTask<long?> FindSizeAsync(Digest digest, CancellationToken cancellationToken) => inner.FindSizeAsync(digest, cancellationToken);

    public ValueTask<BlobReader?> OpenAsync(Digest digest, CancellationToken cancellationToken) => inner.OpenAsync(digest, cancellationToken);

    public ValueTask<BlobReader?> OpenForCheckAsync(Digest digest, CancellationToken cancellationToken) => inner.OpenForCheckAsync(digest, cancellationToken);

    public async ValueTask<BlobWriter> OpenUploadAsync(Guid upload, DigestAlgorithm algorithm, CancellationToken cancellationToken) =>
        new Writer(await inner.OpenUploadAsync(upload, algorithm, cancellationToken), this);

    public IAsyncEnumerable<StoredUpload> ListUploadsAsync(CancellationToken cancellationToken) => inner.ListUploadsAsync(cancellationToken);

    public ValueTask RemoveUploadAsync(Guid upload, CancellationToken cancellationToken) => inner.RemoveUploadAsync(upload, cancellationToken);

    public ValueTask<BlobStatus?> FindStatusAsync(Digest digest, CancellationToken cancellationToken) => inner.FindStatusAsync(digest, cancellationToken);

    public IAsyncEnumerable<StoredName> ListAsync(string? after, CancellationToken cancellationToken) => inner.ListAsync(after, cancellationToken);

    public ValueTask SyncAsync(Digest digest, CancellationToken cancellationToken) => inner.SyncAsync(digest, cancellationToken);

    public ValueTask<string?> QuarantineAsync(Digest digest, DateTimeOffset now, CancellationToken cancellationToken) => inner.QuarantineAsync(digest, now, cancellationToken);

    public ValueTask<IReadOnlyList<QuarantinedFile>> TrimQuarantineAsync(QuarantineBound bound, DateTimeOffset now, CancellationToken cancellationToken) =>
        inner.TrimQuarantineAsync(bound, now, cancellationToken);

    public async ValueTask<IReadOnlyList<UnremovedBlob>> RemoveAsync(IReadOnlyList<Digest> digests, CancellationToken cancellationToken)
    {
        foreach (var digest in CountsFreed ? digests : [])
            Interlocked.Add(ref _left, await inner.FindSizeAsync(digest, cancellationToken) ?? 0);
        return await inner.RemoveAsync(digests, cancellationToken);
    }

    public string? FindFault() => inner.FindFault();

    public StoreSpace? MeasureSpace() => SaysSo ? new StoreSpace(LeftBytes, long.MaxValue) : new StoreSpace(1L << 50, 1L << 51);

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private void Take(long bytes)
    {
        if (LeftBytes < bytes)
            throw IsBroken ? new IOException("Input/output error") : new StoreFullException("no room", null);
        Interlocked.Add(ref _left, -bytes);
    }

    private sealed class Writer(BlobWriter inner, FullStore store) : BlobWriter
    {
        public override Guid Upload => inner.Upload;

        public override long SizeBytes => inner.SizeBytes;

        public override long Stamp => inner.Stamp;

        public override ValueTask AppendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
        {
            store.Take(bytes.Length);
            return inner.AppendAsync(bytes, cancellationToken);
        }

        public override ValueTask TruncateAsync(long sizeBytes, CancellationToken cancellationToken) => inner.TruncateAsync(sizeBytes, cancellationToken);

        public override ValueTask ParkAsync() => inner.ParkAsync();

        public override ValueTask<BlobCommitOutcome> CommitAsync(Digest expected, CancellationToken cancellationToken) => inner.CommitAsync(expected, cancellationToken);

        public override ValueTask<bool> MatchesAsync(Digest expected, CancellationToken cancellationToken) => inner.MatchesAsync(expected, cancellationToken);

        public override ValueTask<BlobReader> OpenReaderAsync(CancellationToken cancellationToken) => inner.OpenReaderAsync(cancellationToken);

        public override ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
