using Holdfast.Oci;
using Holdfast.Storage.Metadata;

namespace Simulation.Caches;

/// <summary>After caches were brought within their bounds: more is there only if it is pinned, in use, or came meanwhile.</summary>
internal sealed class BoundCheck
{
    private const string Rows = """
        SELECT r.registry_id, r.name, b.digest, b.size, l.created_at FROM registries g JOIN repositories r ON r.registry_id = g.id
        JOIN links l ON l.repository_id = r.id JOIN blobs b ON b.id = l.blob_id WHERE g.kind = 2
        UNION ALL
        SELECT r.registry_id, r.name, b.digest, b.size, -1 FROM registries g JOIN repositories r ON r.registry_id = g.id
        JOIN manifests m ON m.repository_id = r.id JOIN blobs b ON b.id = m.blob_id WHERE g.kind = 2
        """;

    // As the eviction has it: blobs come before anything is known of what needs them.
    private static readonly TimeSpan LooseFor = TimeSpan.FromHours(1);

    private readonly World _world;
    private readonly CacheWorld _caches;
    private readonly long _number;
    private readonly long _looseMs;
    private List<(int Registry, string Repository, Node Node)> _newImages = [];
    private readonly HashSet<(int Cache, int Repository, Digest Digest)> _pinned;
    private readonly HashSet<Digest> _held = [];
    private readonly HashSet<(int Registry, string Repository, Digest Digest)> _before;

    /// <summary>Before.</summary>
    public BoundCheck(World world)
    {
        (_world, _caches, _number) = (world, world.Caches!, world.Caches!.Number);
        _looseMs = world.Process.NowMs - (long)LooseFor.TotalMilliseconds;
        _before = [.. Read().Select(row => (row.Registry, row.Repository, row.Digest))];
        _pinned = ReadPinned();
        _caches.Checks.Add(this);
        NoteHeld();
    }

    /// <summary>Meanwhile, after each step.</summary>
    public void NoteHeld() => _held.UnionWith(Content.All.Where(_world.Process.Caches!.Eviction.IsHeld));

    /// <summary>After.</summary>
    /// <returns>What is too much; null: nothing.</returns>
    public string? FindTooMuch()
    {
        NoteHeld();
        _caches.Checks.Remove(this);
        // A tag may have moved meanwhile.
        _pinned.UnionWith(ReadPinned());
        var all = Read();
        var rows = all.Where(IsOld).ToList();
        _newImages = [.. all.Where(row => row.LinkedMs < 0 && !IsOld(row)).Select(row => (row.Registry, row.Repository, Content.FindNode(row.Digest)!))];
        for (var cache = 0; cache < _caches.Registries.Count; cache++)
        {
            if (FindTooMuch(CacheWorld.NameOf(cache), [.. rows.Where(row => row.Registry == _caches.Registries[cache])], _caches.Profile.All[cache].MaxBytes) is { } problem)
                return problem;
        }
        return FindTooMuch("the caches together", rows, _caches.Profile.MaxBytes);
    }

    private string? FindTooMuch(string name, List<Row> rows, long? bound)
    {
        var size = rows.DistinctBy(row => row.Digest).Sum(row => row.SizeBytes);
        if (bound is null || size <= bound)
            return null;
        var stays = rows.GroupBy(row => (row.Registry, row.Repository)).SelectMany(Staying).ToHashSet();
        return rows.Find(row => !stays.Contains(row.Digest)) is { } loose
            ? $"{name} holds {size} bytes, {size - bound} too much, and {Content.NameOf(loose.Digest)} in {loose.Repository} could go"
            : null;
    }

    // Of one repository.
    private IEnumerable<Digest> Staying(IGrouping<(int Registry, string Repository), Row> rows)
    {
        var cache = _caches.Registries.ToList().IndexOf(rows.Key.Registry);
        var came = _newImages.Where(image => (image.Registry, image.Repository) == rows.Key).Select(image => image.Node);
        // An index that was in the way of the look may have gone by now.
        var before = _before.Where(row => (row.Registry, row.Repository) == rows.Key).Select(row => Content.FindNode(row.Digest)).OfType<Node>();
        var manifests = before.Concat(came).ToList();
        foreach (var node in manifests)
        {
            var closure = node.WithClosure().SelectMany(below => below.Blobs.Append(below.Digest)).ToList();
            if (closure.Exists(IsInUse) || _newImages.Contains((rows.Key.Registry, rows.Key.Repository, node)) || IsPinned(cache, rows.Key.Repository, node))
            {
                foreach (var digest in closure)
                    yield return digest;
            }
        }
        foreach (var row in rows.Where(row => row.LinkedMs >= 0 && (row.LinkedMs >= _looseMs || IsInUse(row.Digest)) && !manifests.Exists(node => node.Blobs.Contains(row.Digest))))
            yield return row.Digest;
    }

    private bool IsOld(Row row) => _before.Contains((row.Registry, row.Repository, row.Digest));

    private bool IsInUse(Digest digest) => _held.Contains(digest) || _caches.WasInUseSince(digest, _number);

    private bool IsPinned(int cache, string repository, Node node) => _pinned.Contains((cache, repository[1] - '0', node.Digest));

    private HashSet<(int Cache, int Repository, Digest Digest)> ReadPinned() =>
    [
        .. from cache in Enumerable.Range(0, _caches.Registries.Count)
           from repository in Enumerable.Range(0, SimulatedUpstream.Repositories)
           from tag in Enumerable.Range(0, SimulatedUpstream.TagNames)
           where _caches.Watch.IsPinned(cache, repository, tag)
           let found = Manifests.Find(_world.Session, _caches.KeyOf(cache, repository), World.ReferenceTo(tag))
           where found is not null
           select (cache, repository, found.Digest),
    ];

    private List<Row> Read()
    {
        var found = new List<Row>();
        using var rows = _world.Session.Prepare(Rows).Query();
        while (rows.Read())
            found.Add(new Row((int)rows.Long(0), rows.Text(1), rows.Digest(2), rows.Long(3), rows.Long(4)));
        return found;
    }

    /// <param name="LinkedMs">-1: a manifest.</param>
    private sealed record Row(int Registry, string Repository, Digest Digest, long SizeBytes, long LinkedMs);
}
