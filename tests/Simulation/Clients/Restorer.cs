using Holdfast.Oci;
using Holdfast.Storage.Metadata;

namespace Simulation.Clients;

/// <summary>What a client was told is deleted, so that somebody may want it back.</summary>
/// <param name="Tag">Of a deleted tag; null of a deleted manifest.</param>
/// <param name="Node">The manifest, or what the tag pointed at.</param>
/// <param name="AtMs">Not after the delete; of the time that passes, whatever a clock shows.</param>
/// <param name="Sequence">The model's, when the delete was sent.</param>
internal sealed record DeletedThing(int Repository, int? Tag, Node Node, string Operation, long AtMs, long Sequence)
{
    /// <summary>Restores that were begun, and are not known to have found nothing.</summary>
    public int Restores { get; set; }

    /// <summary>Somebody has asked for its end before its time.</summary>
    public bool MayBePurged { get; set; }
}

/// <summary>Takes deletes back (P7).</summary>
internal sealed class Restorer(World world)
{
    public async Task RestoreAsync(DeletedThing deleted)
    {
        world.Steps++;
        var key = world.KeyOf(deleted.Repository);
        var effects = deleted.Tag is { } tag
            ? new List<Effect> { new(tag, deleted.Node.Digest, isCertain: false) }
            : [.. Enumerable.Range(0, World.TagNames).Select(tag => new Effect(tag, deleted.Node.Digest, isCertain: false))];
        var change = world.Model.Begin(new Change(deleted.Repository) { Effects = effects, Shows = [.. deleted.Node.WithClosure()], IsRestore = true });
        // If nobody hears of its end, it may have been restored.
        deleted.Restores++;
        IReadOnlyList<RestoredThing> things;
        try
        {
            things = await world.Process.Metadata.WriteAsync(
                (deleted.Operation, now: world.Process.NowMs),
                static (db, s) => TrashRestore.Apply(db, Trash.ListIds(db, new TrashFilter { Operation = s.Operation }), new RestoreTerms(), s.now),
                CancellationToken.None);
        }
        catch (IOException)
        {
            world.Model.Forget(change);
            throw;
        }
        foreach (var thing in things)
            world.Trace?.Invoke($"    {thing.Kind} {thing.Tag?.ToString()} {Content.NameOf(thing.Digest)}: {thing.Outcome}");
        foreach (var effect in effects.Where(effect => IsPutBack(things, effect.Tag)))
            effect.IsCertain = true;
        CheckFound(deleted, things, change);
        var isLive = things.Any(thing => thing.Outcome == RestoreOutcome.Restored && thing.Digest == deleted.Node.Digest);
        if (isLive)
            world.Model.Acknowledge(change);
        else
            world.Model.Refuse(change);
        if (!things.Any(thing => thing.Outcome is RestoreOutcome.Restored or RestoreOutcome.AlreadyThere))
            deleted.Restores--;
    }

    private static bool IsPutBack(IReadOnlyList<RestoredThing> things, int tag) =>
        things.Any(thing => thing.Outcome == RestoreOutcome.Restored && thing.Tag == World.TagOf(tag));

    // A tag stays in the trash until it is restored or too old; a manifest also leaves it when it is pushed again.
    private void CheckFound(DeletedThing deleted, IReadOnlyList<RestoredThing> things, Change change)
    {
        if (things.Count > 0 || deleted.Restores > 1 || deleted.MayBePurged || world.Time.PassedMs - deleted.AtMs >= world.Profile.Keep.TotalMilliseconds || world.WasPurged(deleted.AtMs))
            return;
        if (deleted.Tag is not null || world.Model.WasNotShownSince(deleted.Sequence, change, deleted.Node))
            throw new BrokenPromiseException($"the delete {deleted.Operation} of {deleted.Node.Name} in r{deleted.Repository} can't be restored within its time");
    }
}
