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
        SELECT COUNT(*) FROM links l
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
        world.Schedule.FaultOneIn = 0;
        History.Drain(world);
        Checks.Everything(world);
        // Every link of a chain (index, child, layer, blob) may take its own grace and its own time in the trash.
        for (var round = 0; round < 10; round++)
        {
            world.Time.Advance(world.Profile.Grace + world.Profile.Keep + TimeSpan.FromDays(1.5));
            world.Process.Run("collect", () => world.Process.Collector.RunDueAsync(CancellationToken.None));
            History.Drain(world);
        }
        History.CrashAndStart(world);
        Nothing(world, Trash, "in the trash");
        Nothing(world, Queues, "waiting for a review");
        Nothing(world, Links, "links that nothing uses");
        Nothing(world, Blobs, "blobs that nothing refers to");
        Nothing(world, Payloads, "manifests' bytes that nothing refers to");
        Nothing(world, "SELECT COUNT(*) FROM uploads", "uploads");
        if (world.Disk.Uploads.Values.Any(name => name.Now is not null))
            throw new BrokenPromiseException("at the end there are still bytes of uploads");
    }

    private static void Nothing(World world, string sql, string what)
    {
        if (world.Session.Prepare(sql).QueryLong() is { } count and > 0)
            throw new BrokenPromiseException($"at the end there are still {what} ({count})");
    }
}
