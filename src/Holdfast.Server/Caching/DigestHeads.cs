using System.Collections.Concurrent;
using Holdfast.Client;
using Holdfast.Oci;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Caching;

/// <summary>HEADs by digest that are under way at the upstream: one for each object that isn't here, however many nodes look at it before they get it.</summary>
internal sealed class DigestHeads<T>(FetchRoom room)
{
    private readonly ConcurrentDictionary<(RepositoryKey Repository, Digest Digest), Lazy<Task<RegistryAnswer<T>>>> _running = new();

    public Task<RegistryAnswer<T>> AskAsync(Cache cache, RepositoryName repository, Digest digest, Func<CancellationToken, ValueTask<RegistryAnswer<T>>> ask) => _running.GetOrAdd(
        (new RepositoryKey(cache.Registry.Id, repository), digest), static (key, s) => new(() => s.heads.RunAsync(key, s.cache, s.ask)), (heads: this, cache, ask)).Value;

    private async Task<RegistryAnswer<T>> RunAsync((RepositoryKey Repository, Digest Digest) key, Cache cache, Func<CancellationToken, ValueTask<RegistryAnswer<T>>> ask)
    {
        await Task.Yield();
        try
        {
            var answer = await ask(room.Stopping);
            cache.Note(answer.Failure);
            return answer;
        }
        finally
        {
            _running.TryRemove(key, out _);
        }
    }
}
