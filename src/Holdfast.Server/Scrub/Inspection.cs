using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Storage;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Scrub;

/// <summary>Checks one blob in full: its bytes, and of a manifest both copies and all edges. What is found is an incident, whatever it is.</summary>
internal sealed class Inspection(ContentStores stores, StoreChecks checks, TimeProvider time)
{
    /// <returns>The verdict. Only the database's own errors come out of here: what can't be read is an incident, and the next is looked at (P6).</returns>
    public async Task<BlobVerdict> RunAsync(KnownBlob blob, Pace pace, CancellationToken cancellationToken)
    {
        var verdict = blob.IsManifest
            ? await InspectManifestAsync(blob, pace, cancellationToken)
            : await InspectBlobAsync(blob, pace, cancellationToken);
        ScrubMetrics.Checked(verdict);
        return verdict;
    }

    /// <summary>Ends when it is written down what was right.</summary>
    public Task FlushAsync() => checks.Verifier.Renewals.FlushAsync();

    private async Task<BlobVerdict> InspectBlobAsync(KnownBlob blob, Pace pace, CancellationToken cancellationToken)
    {
        var check = await checks.Verifier.CheckAsync(
            blob,
            (bytes, token) =>
            {
                ScrubMetrics.Hashed(bytes);
                return pace.WaitAsync(bytes, token);
            },
            cancellationToken);
        return check.Verdict;
    }

    private async Task<BlobVerdict> InspectManifestAsync(KnownBlob blob, Pace pace, CancellationToken cancellationToken)
    {
        await pace.WaitAsync((int)blob.SizeBytes, cancellationToken);
        ScrubMetrics.Hashed((int)blob.SizeBytes);
        try
        {
            var (verdict, payload) = await checks.Copies.CheckAsync(blob.Digest, cancellationToken);
            if (payload is not null)
                await InspectEdgesAsync(blob.Digest, payload, cancellationToken);
            return verdict;
        }
        catch (IOException e)
        {
            await checks.Findings.ReportUnreadableAsync(blob.Digest, e);
            return BlobVerdict.Unreadable;
        }
    }

    private async Task InspectEdgesAsync(Digest digest, byte[] payload, CancellationToken cancellationToken)
    {
        var places = await stores.Metadata.ReadAsync(digest, static (db, digest) => EdgeCheck.ListPlaces(db, digest), cancellationToken);
        var isWhole = true;
        foreach (var place in places)
            isWhole &= await InspectPlaceAsync(digest, payload, place, cancellationToken);
        var isOpen = isWhole && await stores.Metadata.ReadAsync(
            digest.ToString(), static (db, subject) => Storage.Metadata.Incidents.IsOpen(db, IncidentKind.DanglingEdge, subject), cancellationToken);
        if (isOpen)
            await checks.Findings.Incidents.HealAsync(IncidentKind.DanglingEdge, digest.ToString(), "check");
    }

    private async Task<bool> InspectPlaceAsync(Digest digest, byte[] payload, ManifestPlace place, CancellationToken cancellationToken)
    {
        var where = $"in {place.Repository.Name}";
        if (!ManifestParser.TryParse(payload, place.MediaType, out var manifest, out var problem))
        {
            await checks.Findings.ReportAsync(IncidentKind.DanglingEdge, digest.ToString(), $"{where}, its bytes are right but can't be read as a manifest: {problem}");
            return false;
        }
        var differing = await stores.Metadata.ReadAsync(
            (place, manifest), static (db, s) => EdgeCheck.Compare(db, s.place, s.manifest), cancellationToken);
        if (differing.Count == 0)
            return true;
        var named = string.Join(", ", differing.Take(5)) + (differing.Count > 5 ? $" and {differing.Count - 5} more" : "");
        await checks.Findings.ReportAsync(
            IncidentKind.DanglingEdge, digest.ToString(), $"{where}, the edges that the database has are not those of its bytes: {named}");
        if (!place.IsLive)
            return false;
        // Inside the rules: only if everything that it refers to is there (P2).
        var closure = await stores.Metadata.WriteAsync(
            (place, manifest, now: time.GetUtcNow().ToUnixTimeMilliseconds()),
            static (db, s) => EdgeCheck.Repair(db, s.place, s.manifest, s.now),
            CancellationToken.None);
        return closure.IsWhole;
    }
}
