using Holdfast.Oci;
using Holdfast.Storage.Blobs;

namespace Holdfast.Server.Tests.Collection;

/// <summary>A blob store whose removals fail, or wait, as a test says.</summary>
internal sealed class RemovalFaults(IBlobStore store, RemovalHooks hooks) : IBlobStore
{
    public async ValueTask<IReadOnlyList<UnremovedBlob>> RemoveAsync(IReadOnlyList<Digest> digests, CancellationToken cancellationToken)
    {
        var unremoved = new List<UnremovedBlob>();
        foreach (var digest in digests)
        {
            try
            {
                await hooks.Before(digest);
                unremoved.AddRange(await store.RemoveAsync([digest], cancellationToken));
                await hooks.After(digest);
            }
            catch (IOException e)
            {
                unremoved.Add(new UnremovedBlob(digest, e));
            }
        }
        return unremoved;
    }

    public ValueTask<long?> FindSizeAsync(Digest digest, CancellationToken cancellationToken) => store.FindSizeAsync(digest, cancellationToken);

    public ValueTask<BlobReader?> OpenAsync(Digest digest, CancellationToken cancellationToken) => store.OpenAsync(digest, cancellationToken);

    public ValueTask<BlobWriter> OpenUploadAsync(Guid upload, DigestAlgorithm algorithm, CancellationToken cancellationToken) =>
        store.OpenUploadAsync(upload, algorithm, cancellationToken);

    public IAsyncEnumerable<StoredUpload> ListUploadsAsync(CancellationToken cancellationToken) => store.ListUploadsAsync(cancellationToken);

    public ValueTask RemoveUploadAsync(Guid upload, CancellationToken cancellationToken) => store.RemoveUploadAsync(upload, cancellationToken);

    public ValueTask<BlobStatus?> FindStatusAsync(Digest digest, CancellationToken cancellationToken) => store.FindStatusAsync(digest, cancellationToken);

    public IAsyncEnumerable<StoredName> ListAsync(string? after, CancellationToken cancellationToken) => store.ListAsync(after, cancellationToken);

    public ValueTask SyncAsync(Digest digest, CancellationToken cancellationToken) => store.SyncAsync(digest, cancellationToken);

    public ValueTask<string?> QuarantineAsync(Digest digest, DateTimeOffset now, CancellationToken cancellationToken) =>
        store.QuarantineAsync(digest, now, cancellationToken);

    public string? FindFault() => store.FindFault();

    public StoreSpace? MeasureSpace() => store.MeasureSpace();

    public ValueTask DisposeAsync() => store.DisposeAsync();
}

/// <summary>What happens around the removal of a blob.</summary>
internal sealed class RemovalHooks
{
    /// <summary>Runs before the bytes are removed.</summary>
    public Func<Digest, Task> Before { get; set; } = static _ => Task.CompletedTask;

    /// <summary>Runs after they are removed.</summary>
    public Func<Digest, Task> After { get; set; } = static _ => Task.CompletedTask;
}
