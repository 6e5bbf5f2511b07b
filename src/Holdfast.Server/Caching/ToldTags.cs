using System.Collections.Concurrent;
using Holdfast.Oci;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Caching;

/// <summary>
/// Where the upstream said that tags are whose manifests aren't here yet. containerd and docker ask for a tag by HEAD and then get the manifest by its digest: without this the
/// cache would have an image that was pulled by tag, and not know it by that tag when the upstream is gone.
/// </summary>
internal sealed class ToldTags
{
    private const int Max = 10_000;

    // From a client's HEAD to its GET; who comes later asks again first.
    private const long HoldsMs = 10 * 60_000;

    private readonly ConcurrentDictionary<(RepositoryKey Repository, Tag Tag), ToldTag> _told = new();

    public void Note(RepositoryKey repository, Tag tag, Digest digest, long nowMs)
    {
        if (_told.Count >= Max)
        {
            foreach (var (key, old) in _told.Where(one => nowMs - one.Value.AtMs > HoldsMs))
                _told.TryRemove(KeyValuePair.Create(key, old));
        }
        if (_told.Count < Max)
            _told[(repository, tag)] = new ToldTag(tag, digest, nowMs);
    }

    /// <summary>The upstream has no such tag any more.</summary>
    public void Forget(RepositoryKey repository, Tag tag) => _told.TryRemove((repository, tag), out _);

    /// <returns>The tags that are at a manifest, which is being stored.</returns>
    public IReadOnlyList<ToldTag> Take(RepositoryKey repository, Digest digest, long nowMs)
    {
        var tags = new List<ToldTag>();
        foreach (var (key, told) in _told)
        {
            if (key.Repository == repository && told.Digest == digest && _told.TryRemove(KeyValuePair.Create(key, told)) && nowMs - told.AtMs <= HoldsMs)
                tags.Add(told);
        }
        return tags;
    }
}

/// <param name="AtMs">When the upstream said so.</param>
internal readonly record struct ToldTag(Tag Tag, Digest Digest, long AtMs);
