using Holdfast.Oci;
using Holdfast.Storage;
using Holdfast.Storage.Acceptance;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Journal;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Http;

/// <summary>
/// A manifest's bytes are in the database and in the blob store. Both are hashed here, and a wrong or missing one is set right from the other at
/// once; neither is ever handed out without that (P4).
/// </summary>
internal sealed class ManifestCopies(ContentStores stores, Findings findings, Renewals renewals, TimeProvider time)
{
    /// <summary>The database's copy, if it is right.</summary>
    public async ValueTask<byte[]?> ReadAsync(Digest digest, CancellationToken cancellationToken)
    {
        var payload = await stores.Metadata.ReadAsync(
            digest, static (session, digest) => Storage.Metadata.Manifests.ReadPayload(session, digest), cancellationToken);
        return IsWhole(payload, digest) ? payload : null;
    }

    /// <summary>Hashes both copies and mends what can be.</summary>
    /// <returns>The bytes, or null if neither copy is right.</returns>
    /// <exception cref="IOException">No copy is right, and one could not be read: nothing is known (P6).</exception>
    public Task<ManifestCheck> MendAsync(Digest digest, CancellationToken cancellationToken) => MendAsync(digest, isInHurry: true, cancellationToken);

    /// <summary>As <see cref="MendAsync(Digest,CancellationToken)"/>; that both copies are right is written down with the next of the <see cref="Renewals"/>.</summary>
    /// <exception cref="IOException">As there.</exception>
    public Task<ManifestCheck> CheckAsync(Digest digest, CancellationToken cancellationToken) => MendAsync(digest, isInHurry: false, cancellationToken);

    private async Task<ManifestCheck> MendAsync(Digest digest, bool isInHurry, CancellationToken cancellationToken)
    {
        using var holder = await stores.Locks.EnterAsync(digest, cancellationToken);
        var row = await stores.Metadata.ReadAsync(digest, static (db, digest) => BlobChecks.Find(db, digest), cancellationToken);
        if (row is not { } blob)
            return new ManifestCheck(BlobVerdict.Unsettled, null);
        var recorded = await ReadAsync(digest, cancellationToken);
        byte[]? stored = null;
        var stamp = 0L;
        try
        {
            await using var reader = await stores.Blobs.OpenForCheckAsync(digest, cancellationToken);
            if (reader is not null && reader.SizeBytes <= Manifest.MaxSizeBytes)
                (stored, stamp) = (await ReadAllAsync(reader, cancellationToken), reader.Stamp);
        }
        catch (IOException e)
        {
            await findings.ReportUnreadableAsync(digest, e);
            if (recorded is null)
                throw;
            return await ReplaceUnreadableAsync(blob, recorded);
        }
        if (!IsWhole(stored, digest))
            stored = null;
        return (recorded, stored) switch
        {
            (null, null) => await NoteLostAsync(blob),
            ({ } right, null) => await WriteFileAsync(blob, right),
            (null, { } right) => await WriteRowAsync(blob, right, stamp),
            _ when isInHurry || await HasEndsAsync(digest, cancellationToken) => await NoteRightAsync(blob, recorded!, stamp, "check"),
            _ => NoteRightLater(blob, recorded!, stamp),
        };
    }

    // Right bytes take the place of what can't be read: that loses nothing, whatever was wrong (P6). It isn't moved away before: it may be right, too,
    // and the new file may fail to come.
    private async Task<ManifestCheck> ReplaceUnreadableAsync(KnownBlob blob, byte[] right)
    {
        try
        {
            return await StoreFileAsync(blob, right);
        }
        catch (IOException)
        {
            return new ManifestCheck(BlobVerdict.Unreadable, right);
        }
    }

    private async Task<ManifestCheck> NoteLostAsync(KnownBlob blob)
    {
        await findings.ReportAsync(
            IncidentKind.ManifestMissing, blob.Digest.ToString(),
            "neither the database's copy of its bytes nor the blob store's is right; it is answered 404 until it is pushed again");
        return new ManifestCheck(BlobVerdict.Missing, null);
    }

    private async Task<ManifestCheck> WriteRowAsync(KnownBlob blob, byte[] right, long stamp)
    {
        await findings.ReportAsync(
            IncidentKind.ManifestCopy, blob.Digest.ToString(), "the database's copy of its bytes was wrong or missing; it is written anew from the blob store's");
        await stores.Metadata.WriteAsync(
            (blob.Digest, right), static (db, s) => Storage.Metadata.Manifests.MendPayload(db, s.Digest, s.right), CancellationToken.None);
        return await NoteRightAsync(blob, right, stamp, "blob store");
    }

    private async Task<ManifestCheck> WriteFileAsync(KnownBlob blob, byte[] right)
    {
        var digest = blob.Digest;
        var kept = await stores.Blobs.QuarantineAsync(digest, time.GetUtcNow(), CancellationToken.None);
        await findings.ReportAsync(
            IncidentKind.ManifestCopy, digest.ToString(),
            kept is null
                ? "the blob store's copy of its bytes was missing; it is written anew from the database's"
                : $"the blob store's copy of its bytes was wrong; it is kept in {kept}, and written anew from the database's");
        return await StoreFileAsync(blob, right);
    }

    private async Task<ManifestCheck> StoreFileAsync(KnownBlob blob, byte[] right)
    {
        var stamp = await ManifestFile.StoreAsync(stores.Blobs, blob.Digest, right, Guid.NewGuid(), CancellationToken.None);
        return await NoteRightAsync(blob, right, stamp, "database");
    }

    private async Task<ManifestCheck> NoteRightAsync(KnownBlob blob, byte[] payload, long stamp, string by)
    {
        findings.Note(await stores.Metadata.WriteAsync(
            (stored: new StoredBlob(blob.Digest, blob.SizeBytes, stamp), payload, blob.Stamp, by, now: time.GetUtcNow().ToUnixTimeMilliseconds()),
            static (db, s) =>
            {
                var healed = new List<Incident>(BlobChecks.NoteRight(db, s.stored, s.Stamp, s.by, s.now));
                healed.AddRange(Storage.Metadata.Incidents.Heal(db, IncidentKind.ManifestMissing, s.stored.Digest.ToString(), s.by, s.now));
                LostManifests.Recover(db, s.stored.Digest, s.payload, s.now);
                return healed;
            },
            CancellationToken.None));
        return new ManifestCheck(BlobVerdict.Right, payload);
    }

    // Is there more to end than the row's date?
    private ValueTask<bool> HasEndsAsync(Digest digest, CancellationToken cancellationToken) => stores.Metadata.ReadAsync(
        digest,
        static (db, digest) => Storage.Metadata.Incidents.IsOpen(db, IncidentKind.ManifestMissing, digest.ToString())
            || EdgeCheck.ListPlaces(db, digest).Any(place => place.IsLost),
        cancellationToken);

    private ManifestCheck NoteRightLater(KnownBlob blob, byte[] payload, long stamp)
    {
        renewals.Gather(new StoredBlob(blob.Digest, blob.SizeBytes, stamp), blob.Stamp);
        return new ManifestCheck(BlobVerdict.Right, payload);
    }

    private static async ValueTask<byte[]?> ReadAllAsync(BlobReader reader, CancellationToken cancellationToken)
    {
        var payload = new byte[reader.SizeBytes];
        for (var filled = 0; filled < payload.Length;)
        {
            var read = await reader.ReadAsync(filled, payload.AsMemory(filled), cancellationToken);
            if (read == 0)
                return null;
            filled += read;
        }
        return await reader.WasChangedAsync(cancellationToken) ? null : payload;
    }

    private static bool IsWhole(byte[]? payload, Digest digest) =>
        payload is not null && Digest.Compute(digest.Algorithm, payload) == digest;
}

/// <param name="Verdict">Of both copies, after what could be mended was; unreadable: of the blob store's alone.</param>
/// <param name="Payload">The bytes, if any copy was right.</param>
internal sealed record ManifestCheck(BlobVerdict Verdict, byte[]? Payload);
