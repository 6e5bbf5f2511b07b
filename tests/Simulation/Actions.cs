using Holdfast.Server.Collection;
using Holdfast.Storage.Metadata;
using Simulation.Caches;
using Simulation.Clients;

namespace Simulation;

/// <summary>Something that may happen next.</summary>
/// <param name="Weight">How often, relative to the others, in a middling history.</param>
/// <param name="MayBeLeftOut">Are there histories without it?</param>
internal sealed record Happening(string Name, int Weight, bool MayBeLeftOut, Action<World> Start)
{
    /// <summary>Only of histories with caches?</summary>
    public bool OfCaches { get; init; }
}

internal static class Actions
{
    public static IReadOnlyList<Happening> All { get; } =
    [
        new("push", 20, false, Push),
        new("retag", 6, true, world => PushSome(world, 1 + world.Random.Next(2))),
        new("resume", 2, true, Resume),
        new("delete tag", 6, true, DeleteTag),
        new("delete manifest", 6, true, DeleteManifest),
        new("delete blob", 3, true, DeleteBlob),
        new("restore", 5, true, Restore),
        new("collect", 8, true, Collect),
        new("sweep", 4, true, Sweep),
        new("scrub", 3, true, Scrub),
        new("look for unknown files", 2, true, LookForUnknownFiles),
        new("pull", 6, true, Pull),
        new("emergency", 1, true, CollectAll),
        new("time", 6, false, Advance),
        new("damage", 2, true, Damage),
        new("retention", 4, true, Retain),
        new("purge", 3, true, Purge),
        new("heal", 3, true, Heal),
        .. CacheActions.All,
    ];

    private static void Push(World world) => PushSome(world, world.Random.Next(3));

    private static void PushSome(World world, int tagCount)
    {
        var repository = world.Random.Next(World.Repositories);
        var node = AnyNode(world);
        var tags = Enumerable.Range(0, World.TagNames).OrderBy(_ => world.Random.Next()).Take(tagCount).ToList();
        world.Process.Run($"push {node.Name} to r{repository}", () => new Pusher(world, repository, node).PushAsync(tags));
    }

    private static void Resume(World world)
    {
        if (world.Resumable.Count == 0)
            return;
        var index = world.Random.Next(world.Resumable.Count);
        var (repository, upload, blob) = world.Resumable[index];
        world.Resumable.RemoveAt(index);
        if (!world.MayResume(upload))
            return;
        world.Process.Run($"resume {Content.NameOf(blob)} in r{repository}", () => new Pusher(world, repository, Content.Nodes[0]).ResumeAsync(upload, blob));
    }

    private static void DeleteTag(World world)
    {
        var (repository, tag) = (world.Random.Next(World.Repositories), world.Random.Next(World.TagNames));
        world.Process.Run($"delete r{repository}:t{tag}", () => new Deleter(world, repository).DeleteTagAsync(tag));
    }

    private static void DeleteManifest(World world)
    {
        var (repository, node) = AnyStored(world);
        world.Process.Run($"delete {node.Name} in r{repository}", () => new Deleter(world, repository).DeleteManifestAsync(node));
    }

    private static void DeleteBlob(World world)
    {
        var (repository, node) = AnyStored(world);
        var blobs = node.Blobs;
        if (blobs.Count == 0)
            return;
        var blob = blobs[world.Random.Next(blobs.Count)];
        world.Process.Run($"delete {Content.NameOf(blob)} in r{repository}", () => new Deleter(world, repository).DeleteBlobAsync(blob));
    }

    private static void Restore(World world)
    {
        if (world.Deleted.Count == 0)
            return;
        // Mostly the last ones: the others are soon too old.
        var deleted = world.Deleted[^(1 + world.Random.Next(Math.Min(world.Deleted.Count, 6)))];
        world.Process.Run($"restore {deleted.Node.Name} in r{deleted.Repository}", () => new Restorer(world).RestoreAsync(deleted));
    }

    private static void Collect(World world)
    {
        world.Steps++;
        world.Process.Run("collect", () => world.Process.Collector.RunDueAsync(CancellationToken.None));
    }

    private static void Retain(World world)
    {
        if (world.Profile.Rules.Count == 0)
            return;
        world.Steps++;
        world.Process.RunAlone("note pulls", world.Retention.FlushAsync);
        world.Process.Run("retention", world.Retention.RunAsync);
    }

    private static void Purge(World world)
    {
        if (world.Profile.HasPurges)
            world.Process.Run("purge", () => new Purger(world).PurgeAsync());
    }

    private static void Heal(World world)
    {
        world.Steps++;
        world.Process.Run("heal", () => world.Process.Healer.RunDueAsync(CancellationToken.None));
    }

    private static void Sweep(World world)
    {
        world.Steps++;
        world.Process.RunAlone("sweep", () => world.Process.Scrub.Sweep.RunAsync(CancellationToken.None));
    }

    private static void Scrub(World world)
    {
        world.Steps++;
        world.Process.RunAlone("scrub", () => world.Process.Scrub.Walk.RunAsync(CancellationToken.None));
    }

    private static void LookForUnknownFiles(World world)
    {
        world.Steps++;
        world.Process.RunAlone("look for unknown files", () => world.Process.Scrub.UnknownFiles.RunAsync(CancellationToken.None));
    }

    private static void Pull(World world)
    {
        var (repository, tag) = (world.Random.Next(World.Repositories), world.Random.Next(World.TagNames));
        world.Process.Run($"pull r{repository}:t{tag}", () => new Puller(world, repository).PullAsync(tag));
    }

    private static void CollectAll(World world)
    {
        if (!world.Profile.HasEmergencies)
            return;
        world.Steps++;
        world.Process.Run("collect all", async () =>
        {
            world.NoteEmergency();
            try
            {
                await world.Process.Collector.RunAsync(new CollectionRun { Emergency = true }, CancellationToken.None);
            }
            catch (CollectionBusyException)
            {
                world.Trace?.Invoke("    another such run is going on");
            }
            finally
            {
                world.NoteEmergencyEnded();
            }
        });
    }

    private static void Advance(World world)
    {
        var by = world.Random.Next(10) switch
        {
            < 4 => TimeSpan.FromSeconds(world.Random.Next(1, 120)),
            < 7 => TimeSpan.FromMinutes(world.Random.Next(5, 70)),
            < 9 => TimeSpan.FromHours(world.Random.Next(1, 30)),
            _ => TimeSpan.FromHours(world.Random.Next(24, 24 * 9)),
        };
        if (world.Profile.ClockJumps && world.Random.Next(8) == 0)
        {
            var jump = world.Random.Next(3) switch
            {
                0 => TimeSpan.FromDays(365),
                1 => TimeSpan.FromDays(-365), // It may be right again then, or a board without a battery.
                _ => TimeSpan.FromDays(-1),
            };
            world.Trace?.Invoke($"  the clock is set by {jump.Days} days");
            world.Time.Jump(jump);
            return;
        }
        world.Trace?.Invoke($"  {by} pass");
        world.Time.Advance(by);
        world.Process.Run("note the time", () => world.Process.Time.SaveAsync(world.Process.Metadata, CancellationToken.None));
    }

    private static void Damage(World world)
    {
        var stored = world.Disk.Blobs.Where(name => name.Value.Now is not null).Select(name => name.Key).ToList();
        if (stored.Count == 0)
            return;
        var digest = stored[world.Random.Next(stored.Count)];
        // Of a push that failed the next start may want the only copy.
        if (world.Process.Database.NeedsRestart && Content.FindNode(digest) is not null && Manifests.ReadPayload(world.Session, digest) is null)
            return;
        var bytes = (byte[])world.Disk.Find(digest)!.Bytes.Clone();
        var kind = world.Random.Next(3);
        if (kind == 0 && bytes.Length > 0)
            bytes[world.Random.Next(bytes.Length)] ^= 1;
        else if (kind == 1 && bytes.Length > 0)
            bytes = bytes[..world.Random.Next(bytes.Length)];
        else
            bytes = null;
        world.Damage(digest, bytes);
    }

    // Mostly what is there.
    private static (int Repository, Node Node) AnyStored(World world)
    {
        var stored = world.Model.Required.ToList();
        return stored.Count > 0 && world.Random.Next(4) != 0
            ? stored[world.Random.Next(stored.Count)]
            : (world.Random.Next(World.Repositories), AnyNode(world));
    }

    private static Node AnyNode(World world) => Content.Nodes[world.Random.Next(Content.Nodes.Count)];
}
