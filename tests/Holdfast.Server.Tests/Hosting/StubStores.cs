using Holdfast.Oci;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Tests.Hosting;

/// <summary>An empty blob store that can be told to fail or hang; hosting only asks whether it answers.</summary>
internal sealed class StubBlobStore : IBlobStore
{
    public Func<ValueTask<long?>> FindSize { get; set; } = static () => ValueTask.FromResult<long?>(null);

    public StoreSpace Space { get; set; } = new(5_000_000_000, 9_000_000_000);

    public ValueTask<long?> FindSizeAsync(Digest digest, CancellationToken cancellationToken) => FindSize();

    public ValueTask<BlobReader?> OpenAsync(Digest digest, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<BlobWriter> OpenUploadAsync(Guid upload, DigestAlgorithm algorithm, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public IAsyncEnumerable<StoredUpload> ListUploadsAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask RemoveUploadAsync(Guid upload, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<BlobStatus?> FindStatusAsync(Digest digest, CancellationToken cancellationToken) => throw new NotSupportedException();

    public IAsyncEnumerable<StoredName> ListAsync(string? after, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask SyncAsync(Digest digest, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<string?> QuarantineAsync(Digest digest, DateTimeOffset now, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<IReadOnlyList<UnremovedBlob>> RemoveAsync(IReadOnlyList<Digest> digests, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public StoreSpace? MeasureSpace() => Space;

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}

/// <summary>A database that answers every read with nothing, or fails.</summary>
internal sealed class StubDatabase : MetadataDatabase
{
    public Exception? Failure { get; set; }

    public override ValueTask<TResult> ReadAsync<TState, TResult>(
        TState state, Func<MetadataSession, TState, TResult> query, CancellationToken cancellationToken) =>
        Failure is null ? ValueTask.FromResult<TResult>(default!) : ValueTask.FromException<TResult>(Failure);

    public override Task<TResult> WriteAsync<TState, TResult>(
        TState state, Func<MetadataSession, TState, TResult> change, CancellationToken cancellationToken) => throw new NotSupportedException();

    public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
