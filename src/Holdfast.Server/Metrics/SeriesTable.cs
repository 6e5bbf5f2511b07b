namespace Holdfast.Server.Metrics;

/// <summary>
/// A metric's series by their labels: a hash table that readers use without a lock, since it is filled in place and replaced when it grows.
/// </summary>
internal sealed class SeriesTable(int capacity, double[] bounds)
{
    private readonly Lock _lock = new();
    private Series?[] _slots = new Series?[16];
    private int _count;

    /// <returns>Null if the labels are new and there are too many already.</returns>
    public Series? Find(ReadOnlySpan<KeyValuePair<string, object?>> labels)
    {
        var hash = Hash(labels);
        return Look(Volatile.Read(ref _slots), labels, hash) ?? Add(labels, hash);
    }

    public IReadOnlyList<Series> All() => [.. Volatile.Read(ref _slots).OfType<Series>()];

    public void Clear()
    {
        lock (_lock)
        {
            Volatile.Write(ref _slots, new Series?[16]);
            _count = 0;
        }
    }

    private static Series? Look(Series?[] slots, ReadOnlySpan<KeyValuePair<string, object?>> labels, int hash)
    {
        for (var at = hash & (slots.Length - 1); Volatile.Read(ref slots[at]) is { } series; at = (at + 1) & (slots.Length - 1))
        {
            if (series.Hash == hash && series.HasLabels(labels))
                return series;
        }

        return null;
    }

    private static void Insert(Series?[] slots, Series series)
    {
        var at = series.Hash & (slots.Length - 1);
        while (slots[at] is not null)
            at = (at + 1) & (slots.Length - 1);
        Volatile.Write(ref slots[at], series);
    }

    private static int Hash(ReadOnlySpan<KeyValuePair<string, object?>> labels)
    {
        var hash = 17;
        foreach (var label in labels)
            hash = unchecked((hash * 31) + (label.Value?.GetHashCode() ?? 0));
        return hash ^ (hash >>> 16);
    }

    private Series? Add(ReadOnlySpan<KeyValuePair<string, object?>> labels, int hash)
    {
        lock (_lock)
        {
            if (Look(_slots, labels, hash) is { } present)
                return present;
            if (_count >= capacity)
                return null;

            // At most half full, so that a search always meets an empty slot soon.
            if ((_count + 1) * 2 > _slots.Length)
            {
                var larger = new Series?[_slots.Length * 2];
                foreach (var series in _slots.OfType<Series>())
                    Insert(larger, series);
                Volatile.Write(ref _slots, larger);
            }

            var added = new Series(labels, hash, bounds);
            Insert(_slots, added);
            _count++;
            return added;
        }
    }
}
