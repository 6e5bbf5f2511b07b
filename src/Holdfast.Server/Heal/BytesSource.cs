using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Storage;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Journal;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Heal;

/// <summary>The donors in their order, and the way of their bytes into the store: received, hashed, and only then put in the place of the damaged ones.</summary>
internal sealed class BytesSource(ContentStores stores, IReadOnlyList<Donor> donors, StoreChecks checks, TimeProvider time) : IDisposable
{
    private const int MaxRepositories = 10;

    // A layer that many images of several caches have; each upstream is asked in a few of them.
    private const int MaxCached = 100;

    // Of each transfer: traffic has the rest of the disk.
    private const long BytesPerSecond = 100L << 20;

    // One that trickles never stalls: two such transfers would keep every other heal waiting for ever.
    private const long MinBytesPerSecond = 64 << 10;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    public required DiskReserve Reserve { get; init; }

    public static IReadOnlyList<Donor> Open(HealOptions options, TimeProvider time) =>
        [.. options.Donors.Select(donor => donor.Folder is { } folder ? (Donor)new DonorFolder(folder) : new DonorRegistry(donor, time))];

    public async Task<HealAttempt> FetchAsync(KnownBlob blob, CancellationToken cancellationToken)
    {
        var wanted = await DescribeAsync(blob, cancellationToken);
        var asked = donors.Where(donor => donor.IsFor(wanted)).ToList();
        if (asked.Count == 0)
            return HealAttempt.Failed("no donor is configured (heal.donors)");
        if (!Reserve.TryTake(blob.SizeBytes))
            return HealAttempt.Failed($"its bytes ({blob.SizeBytes}) would leave less room on the disk than is kept in reserve (disk.reserve)");
        await using var writer = await stores.Blobs.OpenUploadAsync(Guid.NewGuid(), blob.Digest.Algorithm, cancellationToken);
        try
        {
            return await FetchAsync(asked, wanted, new Intake(writer, new Pace(BytesPerSecond, time)), cancellationToken);
        }
        catch (IntakeException e)
        {
            return HealAttempt.Failed($"the bytes could not be stored: {e.Message}");
        }
        finally
        {
            await writer.DisposeAsync();
            await stores.Blobs.RemoveUploadAsync(writer.Upload, CancellationToken.None);
        }
    }

    public void Dispose()
    {
        foreach (var donor in donors)
            donor.Dispose();
    }

    private async Task<WantedBytes> DescribeAsync(KnownBlob blob, CancellationToken cancellationToken)
    {
        var (repositories, cached) = await stores.Metadata.ReadAsync(
            blob.Digest,
            static (db, digest) => (Impact.RepositoriesOf(db, digest, MaxRepositories), CachedManifests.RepositoriesOf(db, digest, MaxCached)),
            cancellationToken);
        return new WantedBytes(blob.Digest, blob.SizeBytes, blob.IsManifest, repositories) { Cached = cached };
    }

    private async Task<HealAttempt> FetchAsync(IReadOnlyList<Donor> asked, WantedBytes wanted, Intake intake, CancellationToken cancellationToken)
    {
        var tried = new List<string>();
        foreach (var donor in asked)
        {
            var answer = await FetchAsync(donor, wanted, intake, cancellationToken);
            if (!answer.Gave)
                tried.Add($"{donor.Name} {answer.Detail}");
            else if (await AcceptAsync(wanted, intake, donor, cancellationToken) is { } by)
                return HealAttempt.Healed(by);
            else
                tried.Add($"{donor.Name} gave wrong bytes, which were not kept");
        }
        return HealAttempt.Failed(string.Join("; ", tried));
    }

    private async Task<DonorAnswer> FetchAsync(Donor donor, WantedBytes wanted, Intake intake, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(Patience + TimeSpan.FromSeconds(wanted.SizeBytes / MinBytesPerSecond), time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            return await donor.FetchAsync(wanted, intake, either.Token);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return DonorAnswer.Not("was too slow to be waited for");
        }
    }

    /// <summary>The lock is held for this alone: a push of the same bytes doesn't wait for a donor.</summary>
    /// <returns>What healed it; null if the bytes were wrong.</returns>
    private async Task<string?> AcceptAsync(WantedBytes wanted, Intake intake, Donor donor, CancellationToken cancellationToken)
    {
        var payload = wanted.IsManifest ? new byte[wanted.SizeBytes] : null;
        using var holder = await stores.Locks.EnterAsync(wanted.Digest, cancellationToken);
        if (await IsSettledAsync(wanted.Digest) is { } settled)
            return settled;
        // From here on it is not cut short: what is published has its row.
        if (await intake.Writer.CommitAsync(wanted.Digest, CancellationToken.None) != BlobCommitOutcome.Stored)
            return null;
        if (payload is not null && !await TryReadBackAsync(wanted.Digest, payload))
            throw new IOException($"the bytes of {wanted.Digest} that were just stored can't be read");
        var by = donor.By;
        var healed = await stores.Metadata.WriteAsync(
            (stored: new StoredBlob(wanted.Digest, wanted.SizeBytes, intake.Writer.Stamp), payload, by, now: time.GetUtcNow().ToUnixTimeMilliseconds()),
            static (db, s) =>
            {
                if (s.payload is not null)
                    Storage.Metadata.Manifests.MendPayload(db, s.stored.Digest, s.payload);
                var ended = BlobRows.Renew(db, s.stored, s.by, s.now);
                if (s.payload is not null)
                    LostManifests.Recover(db, s.stored.Digest, s.payload, s.now);
                return ended;
            },
            CancellationToken.None);
        checks.Findings.Note(healed ?? []);
        return by;
    }

    // A push may have been faster, or the collection have taken what nobody needs: then the bytes are not put over what is there.
    private async ValueTask<string?> IsSettledAsync(Digest digest)
    {
        var (row, open) = await stores.Metadata.ReadAsync(
            digest,
            static (db, digest) => (BlobChecks.Find(db, digest), IsOpen(db, digest.ToString())),
            CancellationToken.None);
        return row is null ? "collection" : open ? null : "push";
    }

    private static bool IsOpen(MetadataSession db, string subject) =>
        Storage.Metadata.Incidents.IsOpen(db, IncidentKind.BlobMissing, subject)
        || Storage.Metadata.Incidents.IsOpen(db, IncidentKind.BlobCorrupt, subject)
        || Storage.Metadata.Incidents.IsOpen(db, IncidentKind.ManifestMissing, subject)
        || Storage.Metadata.Incidents.IsOpen(db, IncidentKind.ManifestCopy, subject)
        || Storage.Metadata.Incidents.IsOpen(db, IncidentKind.StoreUnreadable, subject);

    private async Task<bool> TryReadBackAsync(Digest digest, byte[] payload)
    {
        await using var reader = await stores.Blobs.OpenAsync(digest, CancellationToken.None);
        if (reader is null || reader.SizeBytes != payload.Length)
            return false;
        for (var filled = 0; filled < payload.Length;)
        {
            var read = await reader.ReadAsync(filled, payload.AsMemory(filled), CancellationToken.None);
            if (read == 0)
                return false;
            filled += read;
        }
        return Digest.Compute(digest.Algorithm, payload) == digest;
    }
}
