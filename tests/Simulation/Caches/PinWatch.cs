using Holdfast.Oci;
using Holdfast.Server.Caching;
using Holdfast.Storage.Metadata;

namespace Simulation.Caches;

/// <summary>What is pinned stays: a tag that was known is known, and an image that was whole is whole, until the upstream moves its tag.</summary>
internal sealed class PinWatch(World world, CacheWorld caches)
{
    private readonly Pins[] _pins = [.. caches.Profile.All.Select(options => new Pins(options.Pins))];

    // What was there at the last look; true: whole.
    private Dictionary<(int Cache, int Repository, int Tag), (Node Node, bool IsWhole)> _known = [];

    /// <summary>After each step.</summary>
    public void Look()
    {
        var now = Read();
        foreach (var (tag, before) in _known)
        {
            var name = $"{CacheWorld.NameOf(tag.Cache)}/u{tag.Repository}:t{tag.Tag}";
            if (!now.TryGetValue(tag, out var there))
                throw new BrokenPromiseException($"the pinned {name} is gone");
            if (before.IsWhole && there.Node == before.Node && !there.IsWhole)
                throw new BrokenPromiseException($"the pinned {name} was whole, and lacks {string.Join(' ', Missing(caches.KeyOf(tag.Cache, tag.Repository), there.Node))}");
        }
        _known = now;
    }

    /// <summary>The rows are gone, or older ones are back.</summary>
    public void Forget() => _known = Read();

    /// <summary>Pinned tags whose image is not whole, though the upstream has it.</summary>
    public IEnumerable<string> NotWhole() =>
        from tag in caches.Upstreams.SelectMany((upstream, cache) => upstream.Tags.Select(tag => (cache, tag.Repository, tag.Tag, tag.Node)))
        where IsPinned(tag.cache, tag.Repository, tag.Tag) && Manifests.Find(world.Session, caches.KeyOf(tag.cache, tag.Repository), World.ReferenceTo(tag.Tag)) is not null
        let missing = Missing(caches.KeyOf(tag.cache, tag.Repository), tag.Node).ToList()
        where missing.Count > 0
        select $"{CacheWorld.NameOf(tag.cache)}/u{tag.Repository}:t{tag.Tag} lacks {string.Join(' ', missing)}";

    public bool IsPinned(int cache, int repository, int tag) => _pins[cache].Hold(RepositoryName.Parse(SimulatedUpstream.NameOf(repository)), [World.TagOf(tag)]);

    private Dictionary<(int Cache, int Repository, int Tag), (Node Node, bool IsWhole)> Read()
    {
        var found = new Dictionary<(int, int, int), (Node, bool)>();
        for (var cache = 0; cache < _pins.Length; cache++)
        {
            if (!_pins[cache].Any)
                continue;
            foreach (var (name, tag) in CachedTags.List(world.Session, caches.Registries[cache], 0, 100))
            {
                var (repository, number) = (name.ToString()[1] - '0', tag.ToString()[1] - '0');
                if (!IsPinned(cache, repository, number))
                    continue;
                var key = caches.KeyOf(cache, repository);
                var node = Content.FindNode(Manifests.Find(world.Session, key, World.ReferenceTo(number))!.Digest)!;
                found[(cache, repository, number)] = (node, !Missing(key, node).Any());
            }
        }
        return found;
    }

    private IEnumerable<string> Missing(RepositoryKey key, Node node)
    {
        foreach (var below in node.WithClosure())
        {
            if (Manifests.Find(world.Session, key, World.ReferenceTo(below.Digest)) is null)
                yield return below.Name;
            foreach (var blob in below.Blobs.Where(blob => BlobLinks.Find(world.Session, key, blob) is null))
                yield return Content.NameOf(blob);
        }
    }
}
