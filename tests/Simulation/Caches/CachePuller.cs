using Holdfast.Client;
using Holdfast.Oci;
using Holdfast.Server;
using Holdfast.Server.Caching;
using Holdfast.Storage.Metadata;

namespace Simulation.Caches;

/// <summary>Pulls from a cache, as its endpoints answer: what comes whole is right, whatever the upstream does (P4), and a tag is where the upstream has it.</summary>
internal sealed class CachePuller(World world, int number, int repository)
{
    private readonly CacheParts _parts = world.Process.Caches!;
    private readonly Cache _cache = world.Process.Caches!.Caches.All.Single(cache => cache.Registry.Id == world.Caches!.Registries[number]);
    private readonly SimulatedUpstream _upstream = world.Caches!.Upstreams[number];
    private readonly RepositoryKey _key = world.Caches!.KeyOf(number, repository);

    private ServerProcess Server => world.Process;

    /// <returns>Did all of it come? Null: there is no such tag.</returns>
    public async Task<bool?> PullAsync(int tag, bool everything)
    {
        world.Steps++;
        byte[]? payload;
        _upstream.BeginAsk(repository, tag);
        try
        {
            (payload, var isAbsent) = await AskAsync(tag);
            if (payload is null)
                return isAbsent ? null : false;
        }
        finally
        {
            _upstream.EndAsk(repository, tag);
        }
        return await PullBelowAsync(payload, everything);
    }

    public async Task HeadAsync(int tag)
    {
        world.Steps++;
        _upstream.BeginAsk(repository, tag);
        try
        {
            var answer = await _parts.Truth.AskAsync(_cache, _key.Name, World.TagOf(tag), wantsBytes: false);
            if (answer.Head is { } head)
                ShouldBeSaid(tag, head.Digest);
            else
                Judge(tag, answer, Find(tag));
        }
        finally
        {
            _upstream.EndAsk(repository, tag);
        }
    }

    /// <summary>A manifest by digest, and perhaps what is below.</summary>
    public async Task<bool> PullAsync(Digest digest, bool everything)
    {
        world.Steps++;
        world.Caches!.BeginTransfer(digest);
        byte[]? payload;
        using (_parts.Transfers.Enter(digest))
            payload = await ReadAsync(digest) ?? await FetchAsync(digest);
        world.Caches!.EndTransfer(digest);
        return payload is not null && await PullBelowAsync(payload, everything);
    }

    private async Task<(byte[]? Payload, bool IsAbsent)> AskAsync(int tag)
    {
        var answer = await _parts.Truth.AskAsync(_cache, _key.Name, World.TagOf(tag), wantsBytes: true);
        if (answer.Failure is { } failure)
        {
            Trace($"t{tag}: {failure.Detail}");
            if (failure.Outcome == RegistryOutcome.Unknown)
                ShouldBeSaid(tag, default);
            return (null, failure.Outcome == RegistryOutcome.Unknown);
        }
        if (answer.Manifest is { } unkept)
        {
            ShouldBeSaid(tag, unkept.Digest);
            ShouldBeRight(unkept.Digest, unkept.Payload.Span);
            return (unkept.Payload.ToArray(), false);
        }
        var stored = await Server.Metadata.ReadAsync((_key, tag), static (db, s) => Manifests.Find(db, s._key, World.ReferenceTo(s.tag)), CancellationToken.None);
        if (stored is not null && await ReadAsync(stored.Digest) is { } payload)
        {
            if (!answer.New.IsNone)
                _parts.Ahead.Note(_cache, _key.Name, answer.New);
            Judge(tag, answer, stored.Digest);
            return (payload, false);
        }
        var fetched = await _parts.Manifests.FetchAsync(_cache, _key.Name, World.ReferenceTo(tag), World.TagOf(tag));
        if (fetched.Manifest is not { } manifest)
            return (null, false);
        ShouldBeSaid(tag, manifest.Digest);
        ShouldBeRight(manifest.Digest, manifest.Payload.Span);
        return (manifest.Payload.ToArray(), false);
    }

    // The last known, marked; or what the upstream said just now.
    private void Judge(int tag, TagAnswer answer, Digest digest)
    {
        var options = world.Caches!.Profile.All[number].Tags;
        if (answer.StaleFor is { } age)
        {
            Trace($"t{tag} is {Content.NameOf(digest)}, as it was {age} ago");
            var confirmed = _upstream.ConfirmedAtMs(repository, tag, digest, out var asOf);
            // A clock that is set makes an age of its own.
            if (!digest.IsNone && !world.Profile.ClockJumps && !(asOf - confirmed <= options.ServeStaleFor.TotalMilliseconds))
                throw new BrokenPromiseException($"{_cache.Name}: stale u{repository}:t{tag} is {Content.NameOf(digest)}, which was so {TimeSpan.FromMilliseconds(asOf - confirmed ?? 0)} ago");
        }
        else if (answer.GoneMs is not null)
        {
            if (!options.KeepVanished || !_upstream.HasEverSaid(repository, tag, default))
                throw new BrokenPromiseException($"{_cache.Name}: u{repository}:t{tag} is served as gone upstream, and should not be");
        }
        else if (answer.Failure is null && !digest.IsNone)
        {
            ShouldBeSaid(tag, digest);
        }
    }

    private Digest Find(int tag) => Manifests.Find(world.Session, _key, World.ReferenceTo(tag))?.Digest ?? default;

    private void ShouldBeSaid(int tag, Digest digest)
    {
        // After a restart with a clock that was set back, less time has passed for the store than for the upstream.
        var isTimed = !world.Profile.ClockJumps || world.Caches!.Profile.All[number].Tags.RevalidateAfter == TimeSpan.Zero;
        if (isTimed ? !_upstream.HasSaidLately(repository, tag, digest) : !_upstream.HasEverSaid(repository, tag, digest))
            throw new BrokenPromiseException($"{_cache.Name}: u{repository}:t{tag} is answered with {(digest.IsNone ? "404" : Content.NameOf(digest))}, which the upstream has not said since that was asked");
    }

    // The ways of the manifests' endpoint.
    private async Task<byte[]?> ReadAsync(Digest digest)
    {
        var stored = await Server.Metadata.ReadAsync((_key, digest), static (db, s) => Manifests.Find(db, s._key, World.ReferenceTo(s.digest)), CancellationToken.None);
        if (stored is null)
            return null;
        var payload = await Server.Checks.Copies.ReadAsync(digest, CancellationToken.None) ?? (await Server.Checks.Copies.MendAsync(digest, CancellationToken.None)).Payload;
        if (payload is null || stored.IsLost)
            return null;
        Server.Pulls.Note(_key, digest);
        ShouldBeRight(digest, payload);
        return payload;
    }

    private async Task<byte[]?> FetchAsync(Digest digest)
    {
        var fetched = await _parts.Manifests.FetchAsync(_cache, _key.Name, World.ReferenceTo(digest), default);
        if (fetched.Failure is { } failure)
        {
            Trace($"{Content.NameOf(digest)}: {failure.Detail}");
            if (failure.Outcome == RegistryOutcome.Unknown && !_upstream.HasSaidAbsent(repository, digest))
                throw new BrokenPromiseException($"{_cache.Name}: {Content.NameOf(digest)} is answered with 404, which the upstream has not said");
            return null;
        }
        _parts.Ahead.Note(_cache, _key.Name, digest);
        var payload = fetched.Manifest!.Payload;
        ShouldBeRight(digest, payload.Span);
        return payload.ToArray();
    }

    private async Task<bool> PullBelowAsync(byte[] payload, bool everything)
    {
        var node = Content.Upstream.First(node => node.Payload.AsSpan().SequenceEqual(payload));
        var isWhole = true;
        foreach (var blob in node.Blobs)
        {
            if (everything || world.Random.Next(5) > 0)
                isWhole &= await new CacheBlobPull(world, _parts, _cache, number, repository, blob) { Leaves = !everything }.RunAsync();
        }
        foreach (var child in node.Children)
        {
            // Most clients want one platform.
            if (everything || world.Random.Next(2) == 0)
                isWhole &= await PullAsync(child.Digest, everything);
        }
        return isWhole;
    }

    private void Trace(string what) => world.Trace?.Invoke($"    {_cache.Name}/u{repository} {what}");

    private static void ShouldBeRight(Digest digest, ReadOnlySpan<byte> bytes)
    {
        if (!bytes.SequenceEqual(Content.BytesOf(digest)))
            throw new BrokenPromiseException($"wrong bytes of {Content.NameOf(digest)} were served");
    }
}
