using Holdfast.Oci;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Journal;
using Holdfast.Storage.Metadata;

namespace Holdfast.Storage.Acceptance;

/// <summary>How a manifest gets in: its closure is checked (P2), its bytes are stored, then its edges and tags in one transaction (P1).</summary>
public static class ManifestPush
{
    /// <summary>Stores the manifest and points its tags at it, if its closure is whole; else stores nothing.</summary>
    /// <param name="upload">An unused id for the bytes on their way.</param>
    /// <param name="cancellationToken">Looked at only before the first byte is stored.</param>
    /// <exception cref="IOException">It is not known to be stored; the client must not be told that it is.</exception>
    public static async Task<ManifestPushResult> PutAsync(
        ContentStores stores, ManifestPut put, Guid upload, TimeProvider time, CancellationToken cancellationToken)
    {
        var closure = await CheckClosureAsync(stores, put, cancellationToken);
        if (!closure.IsWhole)
            return new(closure, []);
        using var holder = await stores.Locks.EnterAsync(put.Digest, cancellationToken);
        var stamp = await ManifestFile.StoreAsync(stores.Blobs, put.Digest, put.Payload, upload, cancellationToken);
        // From here on a lost client must not undo the push.
        return await stores.Metadata.WriteAsync(
            (put: put with { Stamp = stamp }, now: time.GetUtcNow().ToUnixTimeMilliseconds()),
            static (db, s) =>
            {
                var result = Manifests.Put(db, s.put, s.now);
                if (!result.IsWhole)
                    return new ManifestPushResult(result, []);
                var healed = Incidents.HealBytes(db, s.put.Digest, "push", s.now);
                LostManifests.Recover(db, s.put.Digest, s.put.Payload, s.now); // In other repositories.
                return new ManifestPushResult(result, [.. healed, .. HealEdges(db, s.put, s.now)]);
            },
            CancellationToken.None);
    }

    // The repository has its edges now. Others, which have the same manifest, may still lack some.
    private static IReadOnlyList<Incident> HealEdges(MetadataSession db, ManifestPut put, long nowMs)
    {
        var subject = put.Digest.ToString();
        return Incidents.IsOpen(db, IncidentKind.DanglingEdge, subject) && EdgeCheck.IsWhole(db, put.Digest, put.Payload)
            ? Incidents.Heal(db, IncidentKind.DanglingEdge, subject, "push", nowMs)
            : [];
    }

    // The database knows what is linked; only the blob store knows whether the bytes are really there. All the way down: an index over a
    // child that lost a layer would be accepted as whole, by a client that is told that the child is there and doesn't look further.
    private static async ValueTask<ManifestClosure> CheckClosureAsync(ContentStores stores, ManifestPut put, CancellationToken cancellationToken)
    {
        var (linked, blobs, wrong) = await stores.Metadata.ReadAsync(put, static (db, put) => ListClosure(db, put), cancellationToken);
        if (!linked.IsWhole)
            return linked;
        var missing = new List<Descriptor>();
        foreach (var blob in blobs)
        {
            if (wrong.Contains(blob) || await stores.Blobs.FindSizeAsync(blob.Digest, cancellationToken) != blob.SizeBytes)
                missing.Add(new Descriptor("", blob.Digest, blob.SizeBytes));
        }
        return missing.Count == 0 ? ManifestClosure.Whole : new ManifestClosure(missing, []);
    }

    private static (ManifestClosure Linked, IReadOnlyCollection<LinkedBlob> Blobs, IReadOnlySet<LinkedBlob> Wrong) ListClosure(MetadataSession db, ManifestPut put)
    {
        var linked = Manifests.CheckClosure(db, put.Repository, put.Manifest);
        // Looked at again in the transaction; here, so that a push that is refused anyway stores nothing.
        if (linked.IsWhole)
            linked = linked with { ImmutableTags = Tags.FindImmovable(db, put) };
        var blobs = linked.IsWhole ? ClosureBlobs.List(db, put.Repository, put.Manifest) : [];
        BlobRows.ReadAhead(db, put.Digest);
        return (linked, blobs, BlobChecks.FindKnownWrong(db, blobs));
    }
}

/// <param name="Closure">What was missing; whole if the manifest is stored.</param>
/// <param name="Healed">The incidents that the push ended.</param>
public sealed record ManifestPushResult(ManifestClosure Closure, IReadOnlyList<Incident> Healed);
