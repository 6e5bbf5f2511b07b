using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Storage.Metadata;
using Microsoft.Extensions.Logging;

namespace Holdfast.Server.Manifests;

/// <summary>
/// Gets a manifest's bytes: from memory, else from the database, else from the blob store. Bytes that don't match their digest
/// are never handed out (P4); the two copies stand in for each other.
/// </summary>
internal sealed partial class ManifestReader(ManifestCache cache, ILogger<ManifestReader> log)
{
    /// <returns>The bytes, or null if neither copy is whole.</returns>
    public ValueTask<byte[]?> ReadAsync(Registry registry, StoredManifest manifest, CancellationToken cancellationToken)
    {
        var cached = cache.Find(manifest.Digest);
        return cached is not null ? ValueTask.FromResult<byte[]?>(cached) : LoadAsync(registry, manifest, cancellationToken);
    }

    private async ValueTask<byte[]?> LoadAsync(Registry registry, StoredManifest manifest, CancellationToken cancellationToken)
    {
        var payload = await registry.Metadata.ReadAsync(
            manifest.Digest, static (session, digest) => Storage.Metadata.Manifests.ReadPayload(session, digest), cancellationToken);
        if (!IsWhole(payload, manifest.Digest))
        {
            LogDatabaseCopyDamaged(log, manifest.Digest, payload?.Length ?? -1);
            payload = await ReadStoredCopyAsync(registry, manifest, cancellationToken);
            if (!IsWhole(payload, manifest.Digest))
            {
                LogLost(log, manifest.Digest);
                return null;
            }
        }
        cache.Add(manifest.Digest, payload!);
        return payload;
    }

    private static async ValueTask<byte[]?> ReadStoredCopyAsync(Registry registry, StoredManifest manifest, CancellationToken cancellationToken)
    {
        await using var reader = await registry.Blobs.OpenAsync(manifest.Digest, cancellationToken);
        if (reader is null || reader.SizeBytes != manifest.SizeBytes)
            return null;
        var payload = new byte[reader.SizeBytes];
        var filled = 0;
        while (filled < payload.Length)
        {
            var read = await reader.ReadAsync(filled, payload.AsMemory(filled), cancellationToken);
            if (read == 0)
                return null;
            filled += read;
        }
        return payload;
    }

    private static bool IsWhole(byte[]? payload, Digest digest) =>
        payload is not null && Digest.Compute(digest.Algorithm, payload) == digest;

    [LoggerMessage(200, LogLevel.Error, "the database's copy of manifest {Digest} is damaged ({FoundBytes} bytes, -1: none); reading the blob store's")]
    private static partial void LogDatabaseCopyDamaged(ILogger log, Digest digest, int foundBytes);

    [LoggerMessage(201, LogLevel.Error, "both copies of manifest {Digest} are damaged; answering 404 until it is pushed again")]
    private static partial void LogLost(ILogger log, Digest digest);
}
