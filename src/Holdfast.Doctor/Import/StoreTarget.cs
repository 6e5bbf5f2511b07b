using System.Buffers;
using Holdfast.Doctor.Sources;
using Holdfast.Oci;
using Holdfast.Storage;
using Holdfast.Storage.Acceptance;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Metadata;

namespace Holdfast.Doctor.Import;

/// <summary>The stores of a data folder, open in this process.</summary>
/// <param name="registry">The registry's row.</param>
/// <param name="staging">Over that folder's uploads.</param>
public sealed class StoreTarget(ContentStores stores, int registry, FileStaging staging, StoreImportTerms terms) : ImportTarget
{
    private const int BufferBytes = 1024 * 1024;

    public override string Name => terms.Name;

    public override FileStaging? Staging => staging;

    public override RepositoryKey KeyOf(RepositoryName repository) => new(registry, repository);

    public override async Task<IReadOnlySet<Digest>> FindManifestsAsync(RepositoryName repository, IReadOnlyList<Digest> manifests, CancellationToken token) =>
        (await stores.Metadata.ReadAsync(
            (Key: KeyOf(repository), manifests), static (db, s) => ImportState.FindManifests(db, s.Key, s.manifests), token)).ToHashSet();

    public override async Task<IReadOnlyDictionary<Tag, Digest>> FindTagsAsync(RepositoryName repository, IReadOnlyList<Tag> tags, CancellationToken token) =>
        await stores.Metadata.ReadAsync((Key: KeyOf(repository), tags), static (db, s) => ImportState.FindTags(db, s.Key, s.tags), token);

    public override Task<IReadOnlySet<Digest>> FindPresentAsync(IReadOnlyCollection<LinkedBlob> blobs, CancellationToken token) =>
        BlobImport.FindPresentAsync(stores, blobs, token);

    public override async Task<IReadOnlyList<BlobReceipt>> AcceptAsync(IReadOnlyList<BlobOffer> offers, CancellationToken token) =>
        (await BlobImport.AcceptAsync(stores, offers, terms.Surroundings.Time, token)).Blobs;

    public override async Task<BlobReceipt> StoreAsync(RepositoryName repository, LinkedBlob blob, Stream content, CancellationToken token)
    {
        var upload = terms.Surroundings.NewUpload();
        var isAccepted = false;
        try
        {
            await using var writer = await stores.Blobs.OpenUploadAsync(upload, blob.Digest.Algorithm, token);
            if (!await CopyAsync(content, writer, blob.SizeBytes, token))
                return new BlobReceipt(blob.Digest, BlobReceiptOutcome.WrongBytes, $"the source sent {writer.SizeBytes} bytes or more instead of {blob.SizeBytes}");
            isAccepted = await BlobPush.TryAcceptAsync(stores, KeyOf(repository), writer, blob.Digest, terms.Surroundings.Time) is not null;
            return isAccepted
                ? new BlobReceipt(blob.Digest, BlobReceiptOutcome.Stored)
                : new BlobReceipt(blob.Digest, BlobReceiptOutcome.WrongBytes, "the bytes have another digest");
        }
        finally
        {
            if (!isAccepted)
                await stores.Blobs.RemoveUploadAsync(upload, CancellationToken.None);
        }
    }

    public override async Task<IReadOnlyList<ManifestReceipt>> AcceptAsync(IReadOnlyList<ManifestOffer> offers, CancellationToken token) =>
        (await ManifestImport.AcceptAsync(stores, offers, terms.Terms, terms.Surroundings, token)).Manifests;

    public override async ValueTask DisposeAsync()
    {
        if (terms.Owner is not null)
            await terms.Owner.DisposeAsync();
        await base.DisposeAsync();
    }

    private async Task<bool> CopyAsync(Stream content, BlobWriter writer, long sizeBytes, CancellationToken token)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            for (int read; (read = await ReadAsync(content, buffer, token)) > 0;)
            {
                if (writer.SizeBytes + read > sizeBytes)
                    return false;
                if (stores.Blobs.MeasureSpace() is { } space && space.FreeBytes - read < terms.ReserveBytes)
                    throw new StoreFullException($"the disk has {space.FreeBytes} bytes free, and {terms.ReserveBytes} are kept in reserve (disk.reserve)", null);
                await writer.AppendAsync(buffer.AsMemory(0, read), token);
            }
            return writer.SizeBytes == sizeBytes;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static async ValueTask<int> ReadAsync(Stream content, Memory<byte> buffer, CancellationToken token)
    {
        try
        {
            return await content.ReadAsync(buffer, token);
        }
        catch (IOException e)
        {
            throw e as SourceException ?? new SourceException(e.Message, e);
        }
    }
}

/// <param name="Name">For messages: the data folder.</param>
/// <param name="ReserveBytes">Free bytes that are left to what else writes there.</param>
public sealed record StoreImportTerms(string Name, ImportTerms Terms, ImportSurroundings Surroundings, long ReserveBytes)
{
    /// <summary>What is closed with the target; null: nothing.</summary>
    public IAsyncDisposable? Owner { get; init; }
}
