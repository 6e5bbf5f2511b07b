using System.Globalization;
using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Storage;
using Holdfast.Storage.Metadata;
using Microsoft.Extensions.Logging;

namespace Holdfast.Server.Trash;

/// <summary>Restores any number of things, looks whether their bytes are there, and says what became of each.</summary>
/// <param name="immutableTags">Which tags of a repository must not move, by a restore either; null: all may.</param>
internal sealed partial class TrashRestorer(
    ContentStores stores, Func<RepositoryKey, Func<Tag, bool>?> immutableTags, TimeProvider time, ILogger<TrashRestorer> log)
{
    // What one transaction does, so that pushes wait for a restore of many for a few milliseconds at most.
    private const int Chunk = 100;

    // In an answer (P10).
    private const int MaxThings = 10_000;

    /// <summary>A new name is for one tag.</summary>
    /// <exception cref="AdminException">There are more, or none.</exception>
    public async Task CheckOneTagAsync(IReadOnlyList<long> ids, CancellationToken token)
    {
        var planned = await stores.Metadata.ReadAsync(ids, static (db, ids) => TrashRestore.Plan(db, ids, new RestoreTerms()), token);
        var tags = planned.Count(thing => thing.Tag is not null);
        if (tags != 1)
            throw TrashSelector.Invalid(string.Create(CultureInfo.InvariantCulture, $"to: what you name has {tags} tags in the trash; a new name is for one: name it as REPOSITORY:TAG"));
    }

    /// <param name="ids">Of rows in the trash, the newest first.</param>
    public async Task<RestoreReport> RestoreAsync(
        IReadOnlyList<long> ids, RestoreTerms terms, bool dryRun, string caller, AdminStream stream, CancellationToken token)
    {
        var names = await stores.Metadata.ReadAsync(0, static (db, _) => Registries.List(db), token);
        var settled = new HashSet<(RepositoryKey, Tag)>();
        var seen = new HashSet<long>();
        var report = new RestoreReport(dryRun, 0, 0, 0, []);
        var entries = new List<RestoreEntry>();
        var done = 0;
        foreach (var chunk in ids.Chunk(Chunk))
        {
            var todo = chunk.Where(id => !seen.Contains(id)).ToList();
            var things = await RestoreAsync(todo, terms with { Settled = settled, ImmutableTags = immutableTags }, dryRun, token);
            foreach (var thing in things.Where(thing => thing.Id == 0 || seen.Add(thing.Id)))
            {
                if (thing is { Tag: { } tag, Outcome: RestoreOutcome.Restored })
                    settled.Add((thing.Repository, tag));
                var entry = Entry(thing, names, await FindDamagedAsync(thing, dryRun, token));
                report = Count(report, entry);
                if (entries.Count < MaxThings || IsFinding(entry))
                    entries.Add(entry);
            }
            done += chunk.Length;
            await stream.ReportAsync(new AdminProgress("restoring", done, ids.Count, "things"));
        }
        if (!dryRun)
            LogRestored(log, caller, report.Restored, report.Failed, report.Damaged);
        return report with { Things = entries.Count <= MaxThings ? entries : [.. entries.OrderByDescending(IsFinding).Take(MaxThings)] };
    }

    public void NotePurge(string caller, int purged, int held) => LogPurged(log, caller, purged, held);

    private async Task<IReadOnlyList<RestoredThing>> RestoreAsync(List<long> ids, RestoreTerms terms, bool dryRun, CancellationToken token) => dryRun
        ? await stores.Metadata.ReadAsync((ids, terms), static (db, s) => TrashRestore.Plan(db, s.ids, s.terms), token)
        : await stores.Metadata.WriteAsync(
            (ids, terms, now: time.GetUtcNow().ToUnixTimeMilliseconds()), static (db, s) => TrashRestore.Apply(db, s.ids, s.terms, s.now), token);

    // What couldn't be looked at is named as well: nobody knows that it is right (P6).
    private async Task<IReadOnlyList<string>> FindDamagedAsync(RestoredThing thing, bool dryRun, CancellationToken token)
    {
        if (dryRun || thing.Outcome != RestoreOutcome.Restored)
            return [];
        var blobs = await stores.Metadata.ReadAsync(thing, static (db, thing) => ListNeeded(db, thing), token);
        var damaged = new List<string>();
        foreach (var (blob, isKnown) in blobs)
        {
            if (isKnown || !await IsThereAsync(blob, token))
                damaged.Add(blob.Digest.ToString());
        }
        return damaged;
    }

    private async Task<bool> IsThereAsync(LinkedBlob blob, CancellationToken token)
    {
        try
        {
            return await stores.Blobs.FindSizeAsync(blob.Digest, token) == blob.SizeBytes;
        }
        catch (IOException e)
        {
            LogUnreadable(log, e, blob.Digest.ToString());
            return false;
        }
    }

    // The manifest itself is among them where the database's copy is not right.
    private static List<(LinkedBlob Blob, bool IsKnownWrong)> ListNeeded(MetadataSession db, RestoredThing thing)
    {
        var needed = new HashSet<LinkedBlob>();
        if (thing.Kind == TrashKind.Link)
        {
            if (BlobLinks.Find(db, thing.Repository, thing.Digest) is { } blob)
                needed.Add(new LinkedBlob(blob.Digest, blob.SizeBytes));
        }
        else
        {
            needed.UnionWith(ClosureBlobs.List(db, thing.Repository, thing.Digest));
            var payload = Storage.Metadata.Manifests.ReadPayload(db, thing.Digest);
            var isRight = payload is not null && Digest.Compute(thing.Digest.Algorithm, payload) == thing.Digest;
            if (!isRight && Storage.Metadata.Manifests.Find(db, thing.Repository, thing.Digest) is { } manifest)
                needed.Add(new LinkedBlob(manifest.Digest, manifest.SizeBytes));
        }
        return [.. needed.Select(blob => (blob, Storage.Metadata.Incidents.HasOpen(db, blob.Digest.ToString())))];
    }

    private static RestoreEntry Entry(RestoredThing thing, IReadOnlyDictionary<int, string> names, IReadOnlyList<string> damaged)
    {
        var isKnown = thing.Outcome != RestoreOutcome.Unknown;
        return new RestoreEntry(
            thing.Id,
            thing.Kind,
            isKnown ? names[thing.Repository.Registry] : "",
            isKnown ? thing.Repository.Name.ToString() : "",
            thing.Tag?.ToString(),
            isKnown ? thing.Digest.ToString() : "",
            thing.Outcome,
            thing.Present?.ToString(),
            damaged);
    }

    private static bool IsFinding(RestoreEntry entry) => entry.Damaged.Count > 0 || entry.Outcome is RestoreOutcome.TagMoved or RestoreOutcome.Unknown;

    private static RestoreReport Count(RestoreReport report, RestoreEntry entry) => report with
    {
        Restored = report.Restored + (entry.Outcome == RestoreOutcome.Restored ? 1 : 0),
        Failed = report.Failed + (entry.Outcome is RestoreOutcome.TagMoved or RestoreOutcome.Unknown ? 1 : 0),
        Damaged = report.Damaged + (entry.Damaged.Count > 0 ? 1 : 0),
    };

    [LoggerMessage(1301, LogLevel.Information, "{Caller} restored {Restored} things from the trash; {Failed} were not restored, {Damaged} miss bytes")]
    private static partial void LogRestored(ILogger log, string caller, int restored, int failed, int damaged);

    [LoggerMessage(1302, LogLevel.Information, "{Caller} purged {Purged} things from the trash; {Held} are still needed and stay there")]
    private static partial void LogPurged(ILogger log, string caller, int purged, int held);

    [LoggerMessage(1303, LogLevel.Warning, "restored, but it is not known whether the bytes of {Digest} are there")]
    private static partial void LogUnreadable(ILogger log, Exception cause, string digest);
}
