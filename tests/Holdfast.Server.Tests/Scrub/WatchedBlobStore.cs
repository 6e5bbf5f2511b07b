using System.Runtime.InteropServices;
using Holdfast.Oci;
using Holdfast.Storage.Blobs;

namespace Holdfast.Server.Tests.Scrub;

/// <summary>A store that counts what is read of it and can be told to fail reads.</summary>
internal sealed class WatchedBlobStore(IBlobStore inner) : IBlobStore
{
    private readonly Lock _lock = new();
    private int _checks;
    private long _handedOver;
    private long _read;
    private int _reads;

    /// <summary>Blobs that reads of fail, as a disk with a bad sector does.</summary>
    public HashSet<Digest> Unreadable { get; } = [];

    /// <summary>Called with each blob that is opened to be checked.</summary>
    public Func<Digest, Task>? OnCheck { get; set; }

    public int Checks => _checks;

    /// <summary>Bytes that went from the store to a socket without coming by.</summary>
    public long HandedOver => Interlocked.Read(ref _handedOver);

    /// <summary>Bytes that were read.</summary>
    public long Read => Interlocked.Read(ref _read);

    /// <summary>How often it was read from.</summary>
    public int Reads => Volatile.Read(ref _reads);

    /// <summary>Is the store one that can't hand bytes over?</summary>
    public bool HandsNothingOver { get; set; }

    public ValueTask<long?> FindSizeAsync(Digest digest, CancellationToken cancellationToken) => inner.FindSizeAsync(digest, cancellationToken);

    public async ValueTask<BlobReader?> OpenAsync(Digest digest, CancellationToken cancellationToken) =>
        Watch(digest, await inner.OpenAsync(digest, cancellationToken));

    public async ValueTask<BlobReader?> OpenForCheckAsync(Digest digest, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _checks);
        if (OnCheck is { } onCheck)
            await onCheck(digest);
        return Watch(digest, await inner.OpenForCheckAsync(digest, cancellationToken));
    }

    public ValueTask<BlobWriter> OpenUploadAsync(Guid upload, DigestAlgorithm algorithm, CancellationToken cancellationToken) =>
        inner.OpenUploadAsync(upload, algorithm, cancellationToken);

    public IAsyncEnumerable<StoredUpload> ListUploadsAsync(CancellationToken cancellationToken) => inner.ListUploadsAsync(cancellationToken);

    public ValueTask RemoveUploadAsync(Guid upload, CancellationToken cancellationToken) => inner.RemoveUploadAsync(upload, cancellationToken);

    public ValueTask<BlobStatus?> FindStatusAsync(Digest digest, CancellationToken cancellationToken) => inner.FindStatusAsync(digest, cancellationToken);

    public IAsyncEnumerable<StoredName> ListAsync(string? after, CancellationToken cancellationToken) => inner.ListAsync(after, cancellationToken);

    /// <summary>Called with each blob before it is made to last.</summary>
    public Action<Digest>? OnSync { get; set; }

    public ValueTask SyncAsync(Digest digest, CancellationToken cancellationToken)
    {
        OnSync?.Invoke(digest);
        return inner.SyncAsync(digest, cancellationToken);
    }

    public ValueTask<string?> QuarantineAsync(Digest digest, DateTimeOffset now, CancellationToken cancellationToken) =>
        inner.QuarantineAsync(digest, now, cancellationToken);

    public ValueTask<IReadOnlyList<QuarantinedFile>> TrimQuarantineAsync(QuarantineBound bound, DateTimeOffset now, CancellationToken cancellationToken) =>
        inner.TrimQuarantineAsync(bound, now, cancellationToken);

    public ValueTask<IReadOnlyList<UnremovedBlob>> RemoveAsync(IReadOnlyList<Digest> digests, CancellationToken cancellationToken) =>
        inner.RemoveAsync(digests, cancellationToken);

    public string? FindFault() => inner.FindFault();

    public StoreSpace? MeasureSpace() => inner.MeasureSpace();

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private WatchedReader? Watch(Digest digest, BlobReader? reader)
    {
        lock (_lock)
            return reader is null ? null : new WatchedReader(this, reader, Unreadable.Contains(digest));
    }

    private sealed class WatchedReader(WatchedBlobStore store, BlobReader inner, bool isUnreadable) : BlobReader
    {
        public override long SizeBytes => inner.SizeBytes;

        public override long Stamp => inner.Stamp;

        public override ValueTask<bool> WasChangedAsync(CancellationToken cancellationToken) => inner.WasChangedAsync(cancellationToken);

        public override async ValueTask<int> ReadAsync(long offsetBytes, Memory<byte> buffer, CancellationToken cancellationToken)
        {
            if (isUnreadable)
                throw new IOException("Input/output error");
            var read = await inner.ReadAsync(offsetBytes, buffer, cancellationToken);
            Interlocked.Add(ref store._read, read);
            Interlocked.Increment(ref store._reads);
            return read;
        }

        public override int TrySend(SafeHandle socket, long offsetBytes, int countBytes)
        {
            if (isUnreadable || store.HandsNothingOver)
                return 0;
            var sent = inner.TrySend(socket, offsetBytes, countBytes);
            Interlocked.Add(ref store._handedOver, sent);
            return sent;
        }

        public override ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
