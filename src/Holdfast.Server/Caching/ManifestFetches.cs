using System.Collections.Concurrent;
using Holdfast.Client;
using Holdfast.Oci;
using Holdfast.Storage.Acceptance;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Caching;

/// <summary>The fetches of manifests that are under way: one for each that somebody misses. What came is stored, if there is room, before anyone gets it.</summary>
internal sealed class ManifestFetches(FetchRoom room)
{
    private readonly ConcurrentDictionary<FetchKey, Lazy<Task<FetchedManifest>>> _running = new();
    private readonly DigestHeads<RemoteManifestHead> _heads = new(room);

    /// <summary>Tags that point at a manifest as soon as it is stored.</summary>
    public ToldTags Told { get; } = new();

    /// <summary>Is this manifest being fetched for anyone?</summary>
    public bool IsRunning(Digest digest) => _running.Keys.Any(key => key.Reference.IsDigest && key.Reference.Digest == digest);

    /// <param name="reference">A digest, or a tag of an upstream that states no digests.</param>
    /// <param name="tag">Points at it from then on; none: nothing more does.</param>
    public Task<FetchedManifest> FetchAsync(Cache cache, RepositoryName repository, Reference reference, Tag tag)
    {
        var key = new FetchKey(cache.Registry.Id, repository, reference, tag);
        return _running.GetOrAdd(key, static (key, s) => new(() => s.fetches.RunAsync(key, s.cache)), (fetches: this, cache)).Value;
    }

    /// <summary>Asks what the upstream says of a manifest that isn't here, together with whoever asks just then.</summary>
    public Task<RegistryAnswer<RemoteManifestHead>> HeadAsync(Cache cache, RepositoryName repository, Digest digest) =>
        _heads.AskAsync(cache, repository, digest, token => cache.Upstream.HeadManifestAsync(repository, digest, token));

    private async Task<FetchedManifest> RunAsync(FetchKey key, Cache cache)
    {
        await Task.Yield();
        try
        {
            if (await FindStoredAsync(key) is { } stored)
                return new FetchedManifest(stored, isStored: true);
            var answer = await cache.Upstream.GetManifestAsync(key.Repository, key.Reference, room.Stopping);
            cache.Note(answer.Failure);
            if (!answer.TryGet(out var remote, out var failure))
            {
                if (failure.Outcome == RegistryOutcome.Mismatch)
                    CacheMetrics.Wrong(cache.Name);
                return new FetchedManifest(failure);
            }
            if (!ManifestParser.TryParse(remote.Payload, remote.MediaType, out var manifest, out var problem))
            {
                failure = new RegistryFailure(RegistryOutcome.Unusable, $"it sent no manifest that can be used: {problem}");
                cache.Note(failure);
                return new FetchedManifest(failure);
            }
            var put = new ManifestPut(
                new RepositoryKey(cache.Registry.Id, key.Repository), remote.Digest, remote.Payload, manifest, key.Tag == default ? [] : [key.Tag]);
            return new FetchedManifest(put, await TryStoreAsync(cache, put));
        }
        finally
        {
            _running.TryRemove(key, out _);
        }
    }

    // Who missed it may have looked before another fetch stored it, and have come here after that one's end.
    private async ValueTask<ManifestPut?> FindStoredAsync(FetchKey key)
    {
        if (!key.Reference.IsDigest || key.Tag != default)
            return null;
        var repository = new RepositoryKey(key.Registry, key.Repository);
        var (known, payload) = await room.Stores.Metadata.ReadAsync(
            (repository, key.Reference),
            static (db, s) => Storage.Metadata.Manifests.Find(db, s.repository, s.Reference) is { IsLost: false } known
                ? (known, Storage.Metadata.Manifests.ReadPayload(db, known.Digest)) : default,
            room.Stopping);
        return payload is not null && Digest.Compute(known!.Digest.Algorithm, payload) == known.Digest && ManifestParser.TryParse(payload, known.MediaType, out var manifest, out _)
            ? new ManifestPut(repository, known.Digest, payload, manifest, [])
            : null;
    }

    private async Task<bool> TryStoreAsync(Cache cache, ManifestPut put)
    {
        if (room.IsAway || !room.TryTake(put.Payload.Length))
        {
            room.NoteFull(cache);
            return false;
        }
        try
        {
            using var holder = await room.Stores.Locks.EnterAsync(put.Digest, CancellationToken.None);
            var stamp = await ManifestFile.StoreAsync(room.Stores.Blobs, put.Digest, put.Payload, Guid.NewGuid(), CancellationToken.None);
            room.Healed(await room.Stores.Metadata.WriteAsync(
                (put: put with { Stamp = stamp }, told: Told.Take(put.Repository, put.Digest, room.NowMs), now: room.NowMs),
                static (db, s) =>
                {
                    CachedManifests.Put(db, s.put, s.now);
                    // What the upstream has said of a tag since is nearer to the truth.
                    foreach (var told in s.told.Where(told => CachedTags.Find(db, s.put.Repository, told.Tag) is not { } known || known.ConfirmedMs < told.AtMs))
                        CachedTags.Confirm(db, s.put.Repository, told.Tag, s.put.Digest, told.AtMs);
                    return Storage.Metadata.Incidents.HealBytes(db, s.put.Digest, "upstream", s.now);
                },
                CancellationToken.None));
            room.NoteRoom();
            return true;
        }
        catch (Exception e) when (e is IOException or System.Data.Common.DbException)
        {
            room.NoteTrouble(cache, put.Digest, e);
            if (e is Storage.Blobs.StoreFullException)
                room.NoteFull(cache);
            return false;
        }
    }

    private readonly record struct FetchKey(int Registry, RepositoryName Repository, Reference Reference, Tag Tag);
}

/// <summary>What came of fetching a manifest.</summary>
internal sealed class FetchedManifest
{
    public FetchedManifest(RegistryFailure failure) => Failure = failure;

    public FetchedManifest(ManifestPut manifest, bool isStored) => (Manifest, IsStored) = (manifest, isStored);

    /// <summary>Null if it came.</summary>
    public RegistryFailure? Failure { get; }

    /// <summary>Null if it didn't.</summary>
    public ManifestPut? Manifest { get; }

    /// <summary>False: it could not be kept, and is here alone.</summary>
    public bool IsStored { get; }
}
