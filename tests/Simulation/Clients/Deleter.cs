using Holdfast.Oci;
using Holdfast.Storage.Metadata;

namespace Simulation.Clients;

/// <summary>Deletes tags, manifests and blobs as a client does.</summary>
internal sealed class Deleter(World world, int repository)
{
    private MetadataDatabase Metadata => world.Process.Metadata;

    private RepositoryKey Key => world.KeyOf(repository);

    public async Task DeleteTagAsync(int tag)
    {
        world.Steps++;
        var before = world.Model.Observe(repository, tag);
        var effect = new Effect(tag, null);
        var change = world.Model.Begin(new Change(repository)
        {
            Effects = [effect],
            MayHide = [.. world.Model.Candidates(repository, tag).SelectMany(digest => Content.FindNode(digest)!.WithClosure()).Distinct()],
        });
        var by = NewDeletion();
        var at = world.Time.PassedMs;
        var isDeleted = await RunAsync(change, by, (session, by, now) => Tags.Delete(session, Key, World.TagOf(tag), by, now));
        if (!isDeleted && before is not null && effect.Beside.Count == 0 && !world.Model.IsChanging(repository, tag, change))
            throw new BrokenPromiseException($"r{repository}:t{tag} was not there to be deleted");
        world.Model.Acknowledge(change);
        if (isDeleted && before is { } digest && effect.Beside.Count == 0 && !world.Model.IsChanging(repository, tag, change))
            world.Deleted.Add(new DeletedThing(repository, tag, Content.FindNode(digest)!, by.Operation, at, change.Started));
    }

    public async Task DeleteManifestAsync(Node node)
    {
        world.Steps++;
        var change = world.Model.Begin(new Change(repository)
        {
            Effects = [.. Enumerable.Range(0, World.TagNames).Select(tag => new Effect(tag, null, isCertain: false))],
            MayHide = [.. node.WithClosure()],
        });
        var by = NewDeletion();
        var at = world.Time.PassedMs;
        var result = await RunAsync(change, by, (session, by, now) => Manifests.Delete(session, Key, node.Digest, by, now));
        world.Trace?.Invoke($"    {node.Name} in r{repository}: {result.Outcome}");
        if (result.Outcome != DeleteOutcome.Deleted)
        {
            CheckHolders(result, node.Digest);
            world.Model.Refuse(change);
            return;
        }
        var isAlone = world.Model.WasNotShownDuring(change, node);
        world.Model.Acknowledge(change);
        world.Deleted.Add(new DeletedThing(repository, null, node, by.Operation, at, change.Started));
        if (isAlone && Manifests.Find(world.Session, Key, World.ReferenceTo(node.Digest)) is not null)
            throw new BrokenPromiseException($"{node.Name} is still there in r{repository} after it was deleted");
    }

    public async Task DeleteBlobAsync(Digest blob)
    {
        world.Steps++;
        world.NoteLinkDelete(repository, blob);
        try
        {
            var change = world.Model.Begin(new Change(repository));
            var by = NewDeletion();
            var result = await RunAsync(change, by, (session, by, now) => BlobLinks.Remove(session, Key, blob, by, now));
            world.Trace?.Invoke($"    {Content.NameOf(blob)} in r{repository}: {result.Outcome}");
            CheckHolders(result, blob);
            world.Model.Acknowledge(change);
        }
        finally
        {
            world.NoteLinkDeleteEnded(repository, blob);
        }
    }

    private async Task<T> RunAsync<T>(Change change, Deletion by, Func<MetadataSession, Deletion, long, T> delete)
    {
        try
        {
            return await Metadata.WriteAsync(
                (delete, by, now: world.Process.NowMs), static (session, s) => s.delete(session, s.by, s.now), CancellationToken.None);
        }
        catch (IOException)
        {
            world.Model.Forget(change);
            throw;
        }
    }

    private Deletion NewDeletion() => new(world.NewId().ToString("N")[..12], DeletionCause.Client, "client");

    // P3: whoever is refused is told by whom it is held.
    private static void CheckHolders(DeleteResult result, Digest digest)
    {
        if (result.Outcome != DeleteOutcome.Held)
            return;
        if (result.Holders.Count == 0 || result.HolderCount < result.Holders.Count)
            throw new BrokenPromiseException($"the delete of {Content.NameOf(digest)} was refused without holders");
        foreach (var holder in result.Holders)
        {
            if (Content.FindNode(holder)?.Lists(digest) != true)
                throw new BrokenPromiseException($"{Content.NameOf(holder)} is said to hold {Content.NameOf(digest)}, and does not");
        }
    }
}
