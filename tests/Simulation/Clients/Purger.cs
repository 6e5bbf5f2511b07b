using Holdfast.Storage.Metadata;

namespace Simulation.Clients;

/// <summary>Empties a part of the trash before its time, as <c>trash purge</c> does.</summary>
internal sealed class Purger(World world)
{
    public async Task PurgeAsync()
    {
        world.Steps++;
        var (filter, isMeant) = Draw();
        foreach (var deleted in world.Deleted.Where(isMeant))
            deleted.MayBePurged = true;
        // Those come to an end only later whose delete was sent before this and is not heard of yet.
        var ids = await world.Process.Metadata.ReadAsync(filter, static (db, filter) => Trash.ListIds(db, filter), CancellationToken.None);
        foreach (var chunk in ids.Reverse().Chunk(1 + world.Random.Next(4)))
        {
            var outcomes = await world.Process.Metadata.WriteAsync(
                (chunk, now: world.Process.NowMs), static (db, s) => s.chunk.Select(id => Purges.Purge(db, id, s.now)).ToList(), CancellationToken.None);
            world.Trace?.Invoke($"    purged: {string.Join(' ', outcomes.Select(outcome => $"{outcome.Kind} {outcome.Outcome}"))}");
        }
    }

    private (TrashFilter Filter, Func<DeletedThing, bool> IsMeant) Draw()
    {
        if (world.Deleted.Count > 0 && world.Random.Next(3) != 0)
        {
            var operation = world.Deleted[^(1 + world.Random.Next(Math.Min(world.Deleted.Count, 6)))].Operation;
            return (new TrashFilter { Operation = operation }, deleted => deleted.Operation == operation);
        }
        var repository = world.Random.Next(World.Repositories);
        var minute = (long)TimeSpan.FromMinutes(1).TotalMilliseconds;
        var (until, passed) = (world.Process.NowMs - minute, world.Time.PassedMs - minute);
        return (
            new TrashFilter { Repositories = RepositoryFilter.Parse($"r{repository}")!, UntilMs = until },
            deleted => deleted.Repository == repository && (world.Profile.ClockJumps || deleted.AtMs < passed));
    }
}
