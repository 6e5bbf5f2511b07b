using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Caching;

/// <summary>Lists of tags as upstreams told them a moment ago, so that a client which reads page after page of one costs the upstream one list and not one for each page. Bounded.</summary>
internal sealed class ToldLists(TimeProvider time)
{
    public const int MaxNames = 400_000;

    private static readonly TimeSpan Lasts = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<RepositoryKey, Told> _lists = [];
    private int _names;

    /// <param name="names">In the order of pages.</param>
    public void Note(RepositoryKey repository, IReadOnlyList<string> names)
    {
        lock (_lock)
        {
            Remove(repository);
            while (_lists.Count > 0 && _names + names.Count > MaxNames)
                Remove(_lists.MinBy(static told => told.Value.At).Key);
            _lists[repository] = new Told(names, time.GetTimestamp());
            _names += names.Count;
        }
    }

    /// <returns>Null if it was told too long ago, or never.</returns>
    public IReadOnlyList<string>? Find(RepositoryKey repository)
    {
        lock (_lock)
        {
            if (!_lists.TryGetValue(repository, out var told))
                return null;
            if (time.GetElapsedTime(told.At) < Lasts)
                return told.Names;
            Remove(repository);
            return null;
        }
    }

    private void Remove(RepositoryKey repository)
    {
        if (_lists.Remove(repository, out var told))
            _names -= told.Names.Count;
    }

    private readonly record struct Told(IReadOnlyList<string> Names, long At);
}
