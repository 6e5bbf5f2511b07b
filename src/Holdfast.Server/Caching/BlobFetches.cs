using System.Collections.Concurrent;
using Holdfast.Oci;

namespace Holdfast.Server.Caching;

/// <summary>The fetches of blobs that are under way: one for each that somebody misses, however many do.</summary>
internal sealed class BlobFetches(FetchRoom room) : IAsyncDisposable
{
    private readonly ConcurrentDictionary<FetchKey, BlobFetch> _running = new();
    private readonly ConcurrentDictionary<BlobFetch, Task> _ends = new();

    /// <summary>Is this blob being fetched for anyone?</summary>
    public bool IsRunning(Digest digest) => _running.Keys.Any(key => key.Digest == digest);

    /// <summary>Joins the fetch of a blob, or starts it.</summary>
    /// <returns>The reader, who is counted from now on.</returns>
    public (BlobFetch Fetch, FetchReader Reader) Join(Cache cache, RepositoryName repository, Digest digest)
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
            var fetch = new BlobFetch(cache, repository, digest, room);
            var first = fetch.TryJoin()!;
            if (_running.TryAdd(key, fetch))
            {
                _ends[fetch] = RunAsync(key, fetch);
                return (fetch, first);
            }
        }
    }

    /// <summary>After <see cref="FetchRoom.Stop"/>: waits for the ends of all.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var end in _ends.Values)
            await end;
    }

    private async Task RunAsync(FetchKey key, BlobFetch fetch)
    {
        await fetch.RunAsync();
        _running.TryRemove(KeyValuePair.Create(key, fetch));
        await fetch.DisposeAsync();
        _ends.TryRemove(fetch, out _);
    }

    private readonly record struct FetchKey(int Registry, RepositoryName Repository, Digest Digest);
}
