using Holdfast.Oci;
using Holdfast.Storage.Metadata;
using Simulation.Caches;

namespace Simulation;

/// <summary>The end of a history: nothing fails any more, everything comes to rest, and all that was promised is looked at.</summary>
internal static class Finale
{
    private const string Trash = """
        SELECT (SELECT COUNT(*) FROM trash) + (SELECT COUNT(*) FROM manifests WHERE trashed_at IS NOT NULL) + (SELECT COUNT(*) FROM links WHERE trashed_at IS NOT NULL)
        """;
    private const string Queues =
        "SELECT (SELECT COUNT(*) FROM manifest_reviews) + (SELECT COUNT(*) FROM link_reviews) + (SELECT COUNT(*) FROM blob_reviews)";
    private const string Links = """
        SELECT COUNT(*) FROM links l JOIN repositories r ON r.id = l.repository_id JOIN registries g ON g.id = r.registry_id AND g.kind = 1
        WHERE NOT EXISTS (SELECT 1 FROM manifest_blobs e WHERE e.repository_id = l.repository_id AND e.blob_id = l.blob_id)
        """;
    private const string Blobs = """
        SELECT COUNT(*) FROM blobs b
        WHERE NOT EXISTS (SELECT 1 FROM links l WHERE l.blob_id = b.id) AND NOT EXISTS (SELECT 1 FROM manifests m WHERE m.blob_id = b.id)
        """;
    private const string Payloads =
        "SELECT COUNT(*) FROM manifest_payloads p WHERE NOT EXISTS (SELECT 1 FROM manifests m WHERE m.blob_id = p.blob_id)";

    public static void Run(World world)
    {
        world.Trace?.Invoke("  the end begins");
        if (world.Journal.Left is not null || world.Process.Database.NeedsRestart)
            History.CrashAndStart(world);
        world.Schedule.FaultOneIn = 0;
        world.MayCut = false;
        History.Drain(world);
        world.MayFail = false;
        Checks.Everything(world);
        // Every link of a chain (index, child, layer, blob) may take its own grace and its own time in the trash.
        Settle(world, rounds: 8);
        History.CrashAndStart(world, mayLoseRows: false);
        // The crash may bring back files that were just removed: adopted, then collected.
        Settle(world, rounds: 2);
        world.Time.Advance(ServerProcess.ScrubPeriod);
        Run(world, "sweep", () => world.Process.Scrub.Sweep.RunAsync(CancellationToken.None));
        // The first ends the round that the restart cut, the second looks at all that came to be in doubt behind it.
        Run(world, "scrub", () => world.Process.Scrub.Walk.RunAsync(CancellationToken.None));
        Run(world, "scrub", () => world.Process.Scrub.Walk.RunAsync(CancellationToken.None));
        // Whatever was tried before: beyond the longest pause.
        world.Donor.IsGood = true;
        world.Time.Advance(TimeSpan.FromHours(7));
        Run(world, "heal", () => world.Process.Healer.RunDueAsync(CancellationToken.None));
        CacheFinale.Run(world);
        Checks.Everything(world);
        Leftovers(world);
        Findings(world);
    }

    private static void Settle(World world, int rounds)
    {
        for (var round = 0; round < rounds; round++)
        {
            world.Time.Advance(world.Profile.Grace + world.Profile.Keep + TimeSpan.FromDays(1.5));
            Run(world, "note the time", () => world.Process.Time.SaveAsync(world.Process.Metadata, CancellationToken.None));
            Run(world, "look for unknown files", () => world.Process.Scrub.UnknownFiles.RunAsync(CancellationToken.None));
            Run(world, "collect", () => world.Process.Collector.RunDueAsync(CancellationToken.None));
        }
    }

    // Nothing is left that nothing needs.
    private static void Leftovers(World world)
    {
        Nothing(world, Trash, "in the trash");
        Nothing(world, Queues, "waiting for a review");
        Nothing(world, Links, "links that nothing uses");
        Nothing(world, Blobs, "blobs that nothing refers to");
        Nothing(world, Payloads, "manifests' bytes that nothing refers to");
        Nothing(world, "SELECT COUNT(*) FROM uploads", "uploads");
        if (world.Disk.Uploads.Values.Any(name => name.Now is not null))
            throw new BrokenPromiseException("at the end there are still bytes of uploads");
        foreach (var digest in world.Disk.Blobs.Where(name => name.Value.Now is not null).Select(name => name.Key))
        {
            if (!BlobChecks.Exists(world.Session, digest))
                throw new BrokenPromiseException($"at the end {Content.NameOf(digest)} is still stored, and no row knows it");
        }
    }

    // P8: every damage is an open incident, nothing else is, and what could be healed from the database's copy is.
    private static void Findings(World world)
    {
        var open = Incidents.ListOpen(world.Session, 1000).ToList();
        foreach (var digest in world.Damaged.Where(digest => !world.IsRight(digest)).ToList())
        {
            if (!BlobChecks.Exists(world.Session, digest))
                continue;
            if (!open.Exists(incident => incident.Subject == digest.ToString()))
                throw new BrokenPromiseException($"{Content.NameOf(digest)} is damaged, and no incident tells of it");
            if (BlobChecks.Find(world.Session, digest) is { IsManifest: true })
                throw new BrokenPromiseException($"{Content.NameOf(digest)} was not healed from the database's copy");
            if (world.Profile.HasDonor)
                throw new BrokenPromiseException($"{Content.NameOf(digest)} was not healed, though a donor has it");
        }
        foreach (var incident in open)
        {
            // About something that is gone by now; the keeper of incidents, which isn't simulated, ends those.
            if (incident.Kind is IncidentKind.UnknownFile or IncidentKind.RetentionGuard or IncidentKind.CacheFull
                || (incident.Kind == IncidentKind.StoreUnreadable && Digest.TryParse(incident.Subject, out var unread) && !BlobChecks.Exists(world.Session, unread)))
                continue;
            if (!Digest.TryParse(incident.Subject, out var digest) || !world.Damaged.Contains(digest) || world.IsRight(digest))
                throw new BrokenPromiseException($"a false alarm is open: {incident.Kind} {Name(incident.Subject)}: {incident.Detail}");
        }
    }

    private static string Name(string subject) => Digest.TryParse(subject, out var digest) ? Content.NameOf(digest) : subject;

    public static void Run(World world, string what, Func<Task> work)
    {
        world.Process.Run(what, work);
        History.Drain(world);
    }

    private static void Nothing(World world, string sql, string what)
    {
        if (world.Session.Prepare(sql).QueryLong() is { } count and > 0)
            throw new BrokenPromiseException($"at the end there are still {what} ({count})");
    }
}
