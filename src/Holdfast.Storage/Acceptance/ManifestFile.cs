using Holdfast.Oci;
using Holdfast.Storage.Blobs;

namespace Holdfast.Storage.Acceptance;

/// <summary>The blob store's copy of a manifest.</summary>
public static class ManifestFile
{
    /// <summary>Stores the bytes durably in place of what is there under their digest. Hold its lock.</summary>
    /// <param name="upload">An unused id for the bytes on their way.</param>
    /// <param name="cancellationToken">Looked at only before the first byte is stored.</param>
    /// <returns>The store's stamp of them.</returns>
    /// <exception cref="IOException">They are not known to be stored.</exception>
    public static async Task<long> StoreAsync(
        IBlobStore blobs, Digest digest, ReadOnlyMemory<byte> payload, Guid upload, CancellationToken cancellationToken)
    {
        await using var writer = await blobs.OpenUploadAsync(upload, digest.Algorithm, cancellationToken);
        try
        {
            await writer.AppendAsync(payload, cancellationToken);
            if (await writer.CommitAsync(digest, CancellationToken.None) != BlobCommitOutcome.Stored)
                throw new InvalidOperationException($"the bytes of manifest {digest} changed while they were stored");
            return writer.Stamp;
        }
        catch
        {
            await writer.DisposeAsync();
            await blobs.RemoveUploadAsync(writer.Upload, CancellationToken.None);
            throw;
        }
    }
}
