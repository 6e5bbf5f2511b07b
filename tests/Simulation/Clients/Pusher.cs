using Holdfast.Oci;
using Holdfast.Storage.Acceptance;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Metadata;

namespace Simulation.Clients;

/// <summary>A client that pushes one manifest with all that it needs, request by request.</summary>
internal sealed class Pusher(World world, int repository, Node root)
{
    // What the server said is there, and when: within the lease it may be relied on.
    private readonly Dictionary<Digest, Promise> _promises = [];

    private ServerProcess Server => world.Process;

    private RepositoryKey Key => world.KeyOf(repository);

    public async Task PushAsync(IReadOnlyList<int> tags)
    {
        // Clients send what is below first; a few get it wrong, and are told.
        if (world.Random.Next(12) == 0 && !await PutAsync(root, tags))
            world.Trace?.Invoke($"    {root.Name} was refused: sent before its parts");
        foreach (var node in Shuffled(root.Closure))
        {
            if (world.Random.Next(3) == 0 && await HasAsync(node))
                continue;
            await SendBlobsAsync(node);
            if (!await PutAsync(node, []))
                return;
        }
        await SendBlobsAsync(root);
        await PutAsync(root, tags);
    }

    private async Task SendBlobsAsync(Node node)
    {
        foreach (var blob in node.Blobs.Distinct().OrderBy(_ => world.Random.Next()).ToList())
        {
            if (_promises.ContainsKey(blob) || await HeadAsync(blob) || (world.Random.Next(3) == 0 && await MountAsync(blob)))
                continue;
            await UploadAsync(blob);
        }
    }

    private async Task<bool> HasAsync(Node node)
    {
        world.Steps++;
        return await Server.Metadata.WriteAsync(
            (Key, node.Digest, now: world.Process.NowMs), static (db, s) => ManifestReviews.Postpone(db, s.Key, s.Digest, s.now), CancellationToken.None);
    }

    private async Task<bool> HeadAsync(Digest blob)
    {
        world.Steps++;
        var promise = NewPromise(blob);
        if (!await Requests.HeadAsync(world, Key, blob))
            return false;
        _promises[blob] = promise;
        return true;
    }

    private async Task<bool> MountAsync(Digest blob)
    {
        world.Steps++;
        var source = world.KeyOf(world.Random.Next(World.Repositories));
        var promise = NewPromise(blob);
        if (!await Requests.MountAsync(world, source, Key, blob))
            return false;
        _promises[blob] = promise;
        return true;
    }

    private async Task UploadAsync(Digest blob)
    {
        world.Steps++;
        var upload = world.NewId();
        if (world.Random.Next(2) == 0)
        {
            await Server.Metadata.WriteAsync(
                new UploadRow(upload, Key, DigestAlgorithm.Sha256, world.Process.Time.GetUtcNow()), static (db, row) =>
                {
                    Uploads.Add(db, row);
                    return true;
                },
                CancellationToken.None);
            world.Resumable.Add((repository, upload, blob));
        }
        await SendAsync(upload, blob);
    }

    /// <summary>Takes up an upload that a crash has cut, from where the server says that it stands.</summary>
    public async Task ResumeAsync(Guid upload, Digest blob)
    {
        world.Steps++;
        await SendAsync(upload, blob);
    }

    private async Task SendAsync(Guid upload, Digest blob)
    {
        var bytes = Content.BytesOf(blob);
        var promise = NewPromise(blob);
        world.OpenUploads.Add(upload);
        await using var writer = await Server.Stores.Blobs.OpenUploadAsync(upload, DigestAlgorithm.Sha256, CancellationToken.None);
        try
        {
            var start = (int)Math.Min(writer.SizeBytes, bytes.Length);
            foreach (var chunk in bytes[start..].Chunk(world.Random.Next(5, bytes.Length + 5)))
                await writer.AppendAsync(chunk, CancellationToken.None);
            if (await BlobPush.TryAcceptAsync(Server.Stores, Key, writer, blob, world.Process.Time) is null)
            {
                if (start == 0)
                    throw new BrokenPromiseException($"the bytes of {Content.NameOf(blob)} were refused");
                await Server.Stores.Blobs.RemoveUploadAsync(upload, CancellationToken.None);
                return;
            }
        }
        catch (StoreFullException)
        {
            await writer.DisposeAsync();
            await Server.Stores.Blobs.RemoveUploadAsync(upload, CancellationToken.None);
            throw;
        }
        world.Trace?.Invoke($"    {Content.NameOf(blob)} is pushed to r{repository}");
        world.ShouldBeRight(blob, promise.Damages);
        _promises[blob] = promise;
    }

    private async Task<bool> PutAsync(Node node, IReadOnlyList<int> tags)
    {
        world.Steps++;
        var damages = world.DamagesOf(node.Digest);
        var missing = MissingBelow(node);
        // Mended while it is being looked at, it may have been seen as it was before.
        var damaged = world.Damaged.ToHashSet();
        var sentAtMs = world.Time.PassedMs;
        world.Retention.NotePush(repository, node);
        var change = world.Model.Begin(new Change(repository)
        {
            Shows = [node],
            Effects = [.. tags.Select(tag => new Effect(tag, node.Digest))],
        });
        ManifestPushResult result;
        try
        {
            var put = new ManifestPut(Key, node.Digest, node.Payload, node.Manifest, [.. tags.Select(World.TagOf)]);
            result = await ManifestPush.PutAsync(Server.Stores, put, world.NewId(), world.Process.Time, CancellationToken.None);
        }
        catch (IOException)
        {
            world.Model.Forget(change);
            throw;
        }
        if (!result.Closure.IsWhole)
        {
            world.Model.Refuse(change);
            CheckRefusal(node, result.Closure, damaged);
            return false;
        }
        world.Trace?.Invoke($"    {node.Name} is pushed to r{repository}{string.Concat(tags.Select(tag => $" t{tag}"))}");
        world.Model.Acknowledge(change);
        if (tags.Count > 0)
            world.Retention.NoteTagged(repository, node, sentAtMs);
        world.ShouldBeRight(node.Digest, damages);
        if (missing.Intersect(MissingBelow(node)).FirstOrDefault() is { Digest.IsNone: false } still)
            throw new BrokenPromiseException($"{node.Name} was taken although {Content.NameOf(still.Digest)} is missing");
        return true;
    }

    // What is away, or has another size, with the count of what happened to it: the same before and after, it was so all the while.
    private List<(Digest Digest, int Damages)> MissingBelow(Node node) =>
    [
        .. node.WithClosure().SelectMany(below => below.Blobs).Distinct()
            .Where(blob => world.Disk.Find(blob)?.Bytes.Length != Content.BytesOf(blob).Length)
            .Select(blob => (blob, world.DamagesOf(blob))),
    ];

    private void CheckRefusal(Node node, ManifestClosure closure, HashSet<Digest> damagedBefore)
    {
        world.Trace?.Invoke($"    {node.Name} is refused: {string.Join(' ', closure.Missing.Select(missing => Content.NameOf(missing.Digest)))}");
        if (closure.Mismatched.Count > 0)
            throw new BrokenPromiseException($"{node.Name} was refused for a size that is right");
        foreach (var digest in closure.Missing.Select(missing => missing.Digest))
        {
            if (!_promises.TryGetValue(digest, out var promise))
                continue;
            var elapsed = world.Time.PassedMs - promise.AtMs;
            if (elapsed < Requests.Lease.TotalMilliseconds && world.LinkDeletesOf(repository, digest).WereNoneSince(promise.Deletes)
                && promise.Damages == world.DamagesOf(digest) && !world.Damaged.Contains(digest) && !damagedBefore.Contains(digest))
                throw new BrokenPromiseException($"{node.Name} was refused in r{repository}: {Content.NameOf(digest)} was there {elapsed} ms ago, within its lease");
        }
    }

    private Promise NewPromise(Digest blob) => new(world.Time.PassedMs, world.LinkDeletesOf(repository, blob), world.DamagesOf(blob));

    // Any order in which a child is before its parents.
    private IEnumerable<Node> Shuffled(IReadOnlyList<Node> closure)
    {
        var left = closure.ToList();
        while (left.Count > 0)
        {
            var ready = left.Where(node => !node.Children.Any(left.Contains)).ToList();
            var next = ready[world.Random.Next(ready.Count)];
            left.Remove(next);
            yield return next;
        }
    }

    private readonly record struct Promise(long AtMs, LinkDeletes Deletes, int Damages);
}
