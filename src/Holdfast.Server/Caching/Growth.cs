using System.Collections.Concurrent;

namespace Holdfast.Server.Caching;

/// <summary>Notices when caches may have grown beyond their bounds, between two looks at what they hold.</summary>
internal sealed class Growth(CacheBook caches, long? maxBytes)
{
    // A look reads all rows of a cache; so it is not done for each blob.
    private const int Parts = 50;

    private readonly ConcurrentDictionary<int, long> _since = new();

    /// <summary>Looks what caches hold, and lets go of what is too much.</summary>
    public Func<Task> Trim { get; set; } = static () => Task.CompletedTask;

    /// <summary>So much more is stored. Returns when there is no more than may be.</summary>
    public Task NoteAsync(Cache cache, long bytes)
    {
        var bound = Math.Min(cache.Options.MaxBytes ?? long.MaxValue, maxBytes ?? long.MaxValue);
        if (bound == long.MaxValue)
            return Task.CompletedTask;
        var grown = _since.AddOrUpdate(cache.Registry.Id, bytes, (_, before) => before + bytes);
        if (grown < bound / Parts)
            return Task.CompletedTask;
        foreach (var each in caches.All)
            _since[each.Registry.Id] = 0;
        return Trim();
    }
}
