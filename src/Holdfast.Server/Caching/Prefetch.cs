using System.Collections.Concurrent;
using Holdfast.Oci;
using Holdfast.Storage.Metadata;
using Microsoft.Extensions.Logging;

namespace Holdfast.Server.Caching;

/// <summary>
/// Brings in what is needed before anybody asks: the rest of an image that was pulled, for the platforms that the cache names; and what is pinned, kept as fresh as its tags.
/// </summary>
internal sealed partial class Prefetch(CacheBook caches, TagTruth truth, ImageFetch images, FetchRoom room, ILogger<Prefetch> log) : IAsyncDisposable
{
    /// <summary>From one look at what is pinned to the next.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromMinutes(15);

    private const int MaxWaiting = 1_000;
    private const int Page = 200;

    private readonly ConcurrentDictionary<(int Registry, RepositoryName Repository, Digest Digest), Task> _running = new();

    /// <summary>A manifest was pulled that was not here; returns at once.</summary>
    public void Note(Cache cache, RepositoryName repository, Digest digest)
    {
        var key = (cache.Registry.Id, repository, digest);
        if (cache.Options.PrefetchPlatforms.Count == 0 || _running.Count >= MaxWaiting || !_running.TryAdd(key, Task.CompletedTask))
            return;
        var isNoted = new TaskCompletionSource();
        _running[key] = RunAsync();
        isNoted.SetResult(); // Not before it is among those that run: it takes itself away.

        async Task RunAsync()
        {
            await isNoted.Task;
            await Task.Yield();
            await FetchAsync(cache, repository, digest, new Platforms(cache.Options.PrefetchPlatforms));
            _running.TryRemove(key, out _);
        }
    }

    /// <summary>Looks at every pinned tag, and fetches what of its image is not here.</summary>
    public async Task RefreshPinsAsync(CancellationToken cancellationToken)
    {
        foreach (var cache in caches.All)
        {
            var pins = new Pins(cache.Options.Pins);
            if (!pins.Any)
                continue;
            var tags = new HashSet<(RepositoryName Repository, Tag Tag)>(pins.Named);
            for (var passed = 0; ; passed += Page)
            {
                var page = await room.Stores.Metadata.ReadAsync(
                    (cache.Registry.Id, passed), static (db, s) => CachedTags.List(db, s.Id, s.passed, Page), cancellationToken);
                tags.UnionWith(page.Where(one => pins.Hold(one.Repository, [one.Tag])));
                if (page.Count < Page)
                    break;
            }
            foreach (var (repository, tag) in tags)
                await RefreshAsync(cache, repository, tag, cancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var running in _running.Values)
            await running;
    }

    private async Task RefreshAsync(Cache cache, RepositoryName repository, Tag tag, CancellationToken cancellationToken)
    {
        var answer = await truth.AskAsync(cache, repository, tag, wantsBytes: true).WaitAsync(cancellationToken);
        var known = await room.Stores.Metadata.ReadAsync(
            (key: new RepositoryKey(cache.Registry.Id, repository), tag), static (db, s) => CachedTags.Find(db, s.key, s.tag), cancellationToken);
        if (known is { } row)
            await FetchAsync(cache, repository, row.Digest, new Platforms(cache.Options.PrefetchPlatforms));
        else
            LogNotPinned(log, cache.Name, repository, tag, answer.Failure?.Detail ?? "it could not be kept");
    }

    private async Task FetchAsync(Cache cache, RepositoryName repository, Digest digest, Platforms platforms)
    {
        try
        {
            var problems = await images.RunAsync(cache, repository, digest, platforms, static _ => { }, room.Stopping);
            if (problems.Count > 0)
                LogNotWhole(log, cache.Name, repository, digest, problems[0], problems.Count);
        }
        catch (Exception e) when (!room.Stopping.IsCancellationRequested)
        {
            LogFailed(log, e, cache.Name, repository, digest);
        }
        catch
        {
            // The server stops.
        }
    }

    [LoggerMessage(1210, LogLevel.Warning, "cache {Cache}: the pinned {Repository}:{Tag} can't be brought in: {Problem}")]
    private static partial void LogNotPinned(ILogger logger, string cache, RepositoryName repository, Tag tag, string problem);

    [LoggerMessage(1211, LogLevel.Warning, "cache {Cache}: {Repository}@{Digest} is not whole here: {Problem} (of {Count})")]
    private static partial void LogNotWhole(ILogger logger, string cache, RepositoryName repository, Digest digest, string problem, int count);

    [LoggerMessage(1212, LogLevel.Error, "cache {Cache}: fetching {Repository}@{Digest} ahead failed")]
    private static partial void LogFailed(ILogger logger, Exception cause, string cache, RepositoryName repository, Digest digest);
}
