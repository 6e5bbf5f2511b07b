using System.Globalization;
using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Caching;

/// <summary>
/// Keeps caches within their bounds: what no image needs goes first, then whole images, those before all others that were used the longest ago; never what is pinned, or being fetched or
/// sent just now. It takes rows away; the collection takes the bytes that nothing refers to any more, so that what a hosted registry shares stays.
/// </summary>
internal sealed class Eviction(CacheBook caches, long? maxBytes, FetchRoom room, DiskReserve reserve) : IDisposable
{
    /// <summary>From one look to the next; what grows beyond its bound is looked at at once.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private const int AllCaches = 0;
    private const int Page = 50;

    // Blobs come before anything is known of what needs them, when a client asks for them by digest alone.
    private static readonly TimeSpan LooseFor = TimeSpan.FromHours(1);

    // To look through all rows for each push that is refused would be a way to keep the server busy.
    private static readonly TimeSpan VainFor = TimeSpan.FromSeconds(10);

    private readonly SemaphoreSlim _turn = new(1);
    private readonly Dictionary<int, Pins> _pins = caches.All.ToDictionary(cache => cache.Registry.Id, cache => new Pins(cache.Options.Pins));

    private long _gaveNothingAt;

    /// <summary>Is something of it being fetched, or sent to a client?</summary>
    public required Func<Digest, bool> IsHeld { get; init; }

    /// <summary>Has the bytes removed that nothing refers to any more.</summary>
    public required Func<CancellationToken, Task> Collect { get; init; }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            var freed = 0L;
            foreach (var cache in caches.All.Where(static cache => cache.Options.MaxBytes is not null))
                freed += await TrimAsync(cache.Registry.Id, cache.Name, cache.Options.MaxBytes!.Value, cancellationToken);
            if (maxBytes is { } all)
                freed += await TrimAsync(AllCaches, "caches", all, cancellationToken);
            // What is fetched may take up all but the reserve; then the oldest goes, so that there is room for pushes, and for what is newer.
            if (reserve.MissingBytes(reserve.SpareBytes) is > 0 and var missing)
                freed += await TrimAllByAsync(missing, cancellationToken);
            if (freed > 0)
                await Collect(cancellationToken);
        }
        finally
        {
            _turn.Release();
        }
        foreach (var cache in caches.All)
            CacheMetrics.Sized(cache.Name, await MeasureAsync(cache.Registry.Id, cancellationToken), cache.Options.MaxBytes);
    }

    /// <summary>Makes room beside the disk's reserve, before a push is refused for want of it. Lets go of nothing if all caches together were not enough.</summary>
    public async Task GiveWayAsync(long bytes, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            // Another push may have just asked for it; or in vain, and what is left is pinned or in use.
            if (reserve.MissingBytes(bytes) is not (> 0 and var missing) || (_gaveNothingAt != 0 && room.Time.GetElapsedTime(_gaveNothingAt) < VainFor))
                return;
            if (missing > await MeasureAsync(AllCaches, cancellationToken))
                return;
            // More than this one needs, so that not every chunk of an upload has to ask.
            if (await TrimAllByAsync(missing + reserve.SpareBytes, cancellationToken) > 0)
                await Collect(cancellationToken);
            else
                _gaveNothingAt = room.Time.GetTimestamp();
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose() => _turn.Dispose();

    private async Task<long> TrimAllByAsync(long bytes, CancellationToken cancellationToken) =>
        await TrimAsync(AllCaches, "caches", Math.Max(0, await MeasureAsync(AllCaches, cancellationToken) - bytes), cancellationToken, isBound: false);

    private async Task<long> TrimAsync(int registry, string name, long bound, CancellationToken cancellationToken, bool isBound = true)
    {
        var size = await MeasureAsync(registry, cancellationToken);
        var before = size;
        if (size > bound)
        {
            size -= await EvictLooseAsync(registry, room.NowMs - (long)LooseFor.TotalMilliseconds, long.MaxValue, cancellationToken);
            // Else whoever asks for blobs alone could fill the disk within that time, or have all images go for them.
            if (size > bound)
                size -= await EvictLooseAsync(registry, room.NowMs, size - bound, cancellationToken);
            // What an index listed may be an image of its own, and older than those that were passed, once the index is gone: so once more.
            for (var isSmaller = true; isSmaller && size > bound;)
                (size, isSmaller) = await SweepAsync(registry, size, bound, cancellationToken);
        }
        if (isBound)
        {
            room.NoteOverBound(name, size <= bound
                ? null
                : string.Create(CultureInfo.InvariantCulture, $"{name} holds {size} bytes, which is more than its size.max of {bound}: the rest is pinned or in use. Raise size.max, or pin less"));
        }
        return before - size;
    }

    private Task<long> EvictLooseAsync(int registry, long beforeMs, long wantedBytes, CancellationToken cancellationToken) => room.Stores.Metadata.WriteAsync(
        (registry, beforeMs, wantedBytes, IsHeld),
        static (db, s) => CacheEviction.EvictLoose(db, s.registry, s.beforeMs, 1_000, s.IsHeld, s.wantedBytes),
        cancellationToken);

    private async Task<(long Size, bool IsSmaller)> SweepAsync(int registry, long size, long bound, CancellationToken cancellationToken)
    {
        var isSmaller = false;
        for (var passed = 0; size > bound;)
        {
            var images = await room.Stores.Metadata.ReadAsync(
                (registry, passed), static (db, s) => CacheEviction.ListImages(db, s.registry, s.passed, Page), cancellationToken);
            if (images.Count == 0)
                break;
            foreach (var image in images.TakeWhile(_ => size > bound))
            {
                if (await EvictAsync(image, cancellationToken) is not { } bytes)
                {
                    passed++;
                    continue;
                }
                (size, isSmaller) = (size - bytes, true);
            }
            // What another repository has too was counted once, and has not gone with this one's.
            size = await MeasureAsync(registry, cancellationToken);
        }
        return (size, isSmaller);
    }

    /// <returns>Null if it stays.</returns>
    private async Task<long?> EvictAsync(CachedImage image, CancellationToken cancellationToken)
    {
        var pins = _pins.GetValueOrDefault(image.Repository.Registry);
        bool IsPinned(IReadOnlyList<Tag> tags) => pins?.Hold(image.Repository.Name, tags) == true;
        if (IsPinned(image.Tags))
            return null;
        var freed = await room.Stores.Metadata.WriteAsync(
            (image, IsHeld, isPinned: (Func<IReadOnlyList<Tag>, bool>)IsPinned), static (db, s) => CacheEviction.EvictImage(db, s.image, s.IsHeld, s.isPinned), cancellationToken);
        if (freed is not null && caches.TryFind(image.Repository.Registry, out var cache))
            CacheMetrics.Evicted(cache.Name, freed.Value);
        return freed;
    }

    private ValueTask<long> MeasureAsync(int registry, CancellationToken cancellationToken) =>
        room.Stores.Metadata.ReadAsync(registry, static (db, registry) => CacheEviction.MeasureBytes(db, registry), cancellationToken);
}
