using System.Collections.Concurrent;
using Holdfast.Client;
using Holdfast.Oci;

namespace Holdfast.Server.Caching;

/// <summary>The fetches of blobs that are under way: one for each that somebody misses, however many do.</summary>
internal sealed class BlobFetches(FetchRoom room) : IAsyncDisposable
{
    private readonly ConcurrentDictionary<FetchKey, BlobFetch> _running = new();
    private readonly ConcurrentDictionary<BlobFetch, Task> _ends = new();
    private readonly DigestHeads<RemoteBlobSize> _heads = new(room);

    /// <summary>Is this blob being fetched for anyone?</summary>
    public bool IsRunning(Digest digest) => _running.Keys.Any(key => key.Digest == digest);

    /// <summary>Asks what the upstream says of a blob that isn't here, together with whoever asks just then.</summary>
    public Task<RegistryAnswer<RemoteBlobSize>> HeadAsync(Cache cache, RepositoryName repository, Digest digest) =>
        _heads.AskAsync(cache, repository, digest, token => cache.Upstream.HeadBlobAsync(repository, digest, token));

    /// <summary>Joins the fetch of a blob, or starts it.</summary>
    /// <param name="anew">What the store has of it is of no use.</param>
    /// <returns>The reader, who is counted from now on.</returns>
    public (BlobFetch Fetch, FetchReader Reader) Join(Cache cache, RepositoryName repository, Digest digest, bool anew)
    {
        var key = new FetchKey(cache.Registry.Id, repository, digest);
        while (true)
        {
            if (_running.TryGetValue(key, out var running))
            {
                if (running.TryJoin() is { } reader)
                    return (running, reader);
                _running.TryRemove(KeyValuePair.Create(key, running));
            }
            var fetch = new BlobFetch(cache, repository, digest, room) { Anew = anew };
            var first = fetch.TryJoin()!;
            if (_running.TryAdd(key, fetch))
            {
                var started = new TaskCompletionSource();
                _ends[fetch] = RunAsync(key, fetch, started.Task);
                started.SetResult(); // Not before it is among those that are waited for: it takes itself away.
                return (fetch, first);
            }
        }
    }

    /// <summary>Fetches a blob for the store alone.</summary>
    /// <param name="anew">What the store has of it is of no use.</param>
    /// <returns>Null if it is stored; else why not.</returns>
    public async Task<string?> FetchAsync(Cache cache, RepositoryName repository, Digest digest, bool anew, CancellationToken cancellationToken)
    {
        var (fetch, reader) = Join(cache, repository, digest, anew);
        await using var joined = reader;
        // Reads nothing, and holds nobody up: bytes that found no place on the disk are not for it.
        reader.Restrict(0, 0);
        var failure = await fetch.Opening.WaitAsync(cancellationToken);
        if (failure is not null)
            return failure.Detail;
        if (_ends.TryGetValue(fetch, out var end))
            await end.WaitAsync(cancellationToken);
        return fetch.IsStored ? null : "it could not be kept";
    }

    /// <summary>After <see cref="FetchRoom.Stop"/>: waits for the ends of all.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var end in _ends.Values)
            await end;
    }

    private async Task RunAsync(FetchKey key, BlobFetch fetch, Task started)
    {
        await started;
        await fetch.RunAsync();
        _running.TryRemove(KeyValuePair.Create(key, fetch));
        await fetch.DisposeAsync();
        if (fetch.IsStored && !fetch.WasStored)
            await room.NoteStoredAsync(fetch.Cache, fetch.SizeBytes ?? 0);
        _ends.TryRemove(fetch, out _);
    }

    private readonly record struct FetchKey(int Registry, RepositoryName Repository, Digest Digest);
}
