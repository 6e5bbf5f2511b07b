using Holdfast.Oci;
using Holdfast.Storage.Blobs;

namespace Holdfast.Storage.Journal;

/// <summary>Reads manifests' bytes from the blob store, ahead of the changes that need them: a change itself waits for nothing.</summary>
internal static class ManifestPayloads
{
    /// <returns>Those that are there and have the right hash.</returns>
    /// <exception cref="IOException">One could not be read: whether it is there is not known (P6).</exception>
    public static async Task<Dictionary<Digest, ManifestBytes>> ReadAsync(IBlobStore blobs, IEnumerable<Digest> digests, CancellationToken cancellationToken)
    {
        var payloads = new Dictionary<Digest, ManifestBytes>();
        foreach (var digest in digests)
        {
            if (!payloads.ContainsKey(digest) && await TryReadAsync(blobs, digest, cancellationToken) is { } bytes)
                payloads.Add(digest, bytes);
        }
        return payloads;
    }

    public static async Task<ManifestBytes?> TryReadAsync(IBlobStore blobs, Digest digest, CancellationToken cancellationToken)
    {
        await using var reader = await blobs.OpenAsync(digest, cancellationToken);
        if (reader is null || reader.SizeBytes > Manifest.MaxSizeBytes * 2L)
            return null;
        var payload = new byte[reader.SizeBytes];
        for (var offset = 0; offset < payload.Length;)
        {
            var read = await reader.ReadAsync(offset, payload.AsMemory(offset), cancellationToken);
            if (read == 0)
                return null;
            offset += read;
        }
        return Digest.Compute(digest.Algorithm, payload) == digest ? new ManifestBytes(payload, reader.Stamp) : null;
    }
}
