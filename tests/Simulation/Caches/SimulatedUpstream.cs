using Holdfast.Oci;

namespace Simulation.Caches;

/// <summary>What one upstream has, and what it has said: its tags move, vanish and come back, and now and then a repository is refused. Outlives every crash.</summary>
internal sealed class SimulatedUpstream
{
    public const int Repositories = 2;
    public const int TagNames = 3;

    private readonly World _world;
    private readonly Dictionary<(int Repository, int Tag), Node> _tags = [];
    private readonly HashSet<(int Repository, Node Node)> _present = [];
    private readonly HashSet<int> _refused = [];
    private readonly List<Saying> _sayings = [];
    private readonly HashSet<(int Repository, Digest Digest)> _saidAbsent = [];
    private readonly Dictionary<(int Repository, int Tag), TagAsks> _asks = [];
    private readonly Dictionary<(int Repository, int Tag, Digest Digest), long> _confirmedAtMs = [];

    /// <param name="hosts">Its addresses; the last one is the origin.</param>
    public SimulatedUpstream(World world, IReadOnlyList<string> hosts, long togetherMs)
    {
        (_world, TogetherMs) = (world, togetherMs);
        Hosts = [.. hosts.Select((name, i) => new SimulatedHost(world, this, name, i == hosts.Count - 1))];
        for (var change = 0; change < 5; change++)
            Move();
    }

    public IReadOnlyList<SimulatedHost> Hosts { get; }

    public IEnumerable<(int Repository, int Tag, Node Node)> Tags => _tags.Select(pair => (pair.Key.Repository, pair.Key.Tag, pair.Value)).OrderBy(tag => (tag.Repository, tag.Tag));

    /// <summary>Asks of a tag that are no farther apart may have one answer.</summary>
    private long TogetherMs { get; }

    public static string NameOf(int repository) => $"u{repository}";

    public bool Refuses(int repository) => _refused.Contains(repository);

    public Node? Find(int repository, int tag) => _tags.GetValueOrDefault((repository, tag));

    public bool Has(int repository, Digest digest) =>
        Content.FindNode(digest) is { } node ? _present.Contains((repository, node)) : _present.Any(one => one.Repository == repository && one.Node.Blobs.Contains(digest));

    /// <summary>Something changes there.</summary>
    public void Change()
    {
        switch (_world.Random.Next(8))
        {
            case < 4:
                Move();
                break;
            case 4 or 5:
                Untag();
                break;
            case 6:
                Collect();
                break;
            default:
                var repository = _world.Random.Next(Repositories);
                if (!_refused.Remove(repository))
                    _refused.Add(repository);
                _world.Trace?.Invoke($"  {Hosts[^1].Name}/{NameOf(repository)} is {(Refuses(repository) ? "refused" : "granted")}");
                break;
        }
    }

    /// <summary>From now on it does what it should.</summary>
    public void Recover()
    {
        _refused.Clear();
        foreach (var host in Hosts)
            host.Mood = Mood.Good;
    }

    /// <summary>It has answered a question for a tag.</summary>
    /// <param name="digest">None: there is no such tag.</param>
    public void NoteSaid(int repository, int tag, Digest digest) => _sayings.Add(new Saying(++_world.Caches!.Number, repository, tag, digest));

    /// <summary>The origin has answered 404 for a digest.</summary>
    public void NoteAbsent(int repository, Digest digest) => _saidAbsent.Add((repository, digest));

    public bool HasSaidAbsent(int repository, Digest digest) => _saidAbsent.Contains((repository, digest));

    public void BeginAsk(int repository, int tag)
    {
        if (!_asks.TryGetValue((repository, tag), out var asks))
            _asks[(repository, tag)] = asks = new TagAsks();
        asks.Begin(++_world.Caches!.Number, _world.Time.PassedMs, TogetherMs);
    }

    public void EndAsk(int repository, int tag)
    {
        var asks = _asks[(repository, tag)];
        asks.End(_world.Time.PassedMs);
        Confirm(repository, tag, asks);
    }

    /// <summary>The process is gone; what it had heard it may have written down.</summary>
    public void Abandon()
    {
        foreach (var ((repository, tag), asks) in _asks)
        {
            if (asks.IsRunning)
                Confirm(repository, tag, asks);
            asks.Abandon(_world.Time.PassedMs);
        }
    }

    /// <summary>Has it said so since those asks began that may have one answer with what is asked now?</summary>
    /// <param name="digest">None: that there is no such tag.</param>
    public bool HasSaidLately(int repository, int tag, Digest digest) => SaidSince(repository, tag, _asks[(repository, tag)].Since).Contains(digest);

    public bool HasEverSaid(int repository, int tag, Digest digest) => SaidSince(repository, tag, 0).Contains(digest);

    /// <summary>When did the cache last hear that a tag is there, at the latest? Of the time that passes; null: never.</summary>
    /// <param name="asOfMs">When the asks began that are going on.</param>
    public long? ConfirmedAtMs(int repository, int tag, Digest digest, out long asOfMs)
    {
        asOfMs = _asks[(repository, tag)].SinceMs;
        return HasSaidLately(repository, tag, digest) ? asOfMs : _confirmedAtMs.TryGetValue((repository, tag, digest), out var at) ? at : null;
    }

    private IEnumerable<Digest> SaidSince(int repository, int tag, long number) =>
        _sayings.Where(saying => saying.Number > number && saying.Repository == repository && saying.Tag == tag).Select(saying => saying.Digest);

    private void Confirm(int repository, int tag, TagAsks asks)
    {
        foreach (var digest in SaidSince(repository, tag, asks.Since).Where(digest => !digest.IsNone).ToList())
            _confirmedAtMs[(repository, tag, digest)] = _world.Time.PassedMs;
    }

    private void Move()
    {
        var (repository, tag) = (_world.Random.Next(Repositories), _world.Random.Next(TagNames));
        // Nobody can tell its digest from its bytes alone, and some answers state none.
        var node = Content.Upstream.Where(node => node.Digest.Algorithm == DigestAlgorithm.Sha256).ElementAt(_world.Random.Next(Content.Upstream.Count - 1));
        _tags[(repository, tag)] = node;
        foreach (var below in node.WithClosure())
            _present.Add((repository, below));
        _world.Trace?.Invoke($"  {Hosts[^1].Name}/{NameOf(repository)}:t{tag} is {node.Name}");
    }

    private void Untag()
    {
        var (repository, tag) = (_world.Random.Next(Repositories), _world.Random.Next(TagNames));
        if (_tags.Remove((repository, tag)))
            _world.Trace?.Invoke($"  {Hosts[^1].Name}/{NameOf(repository)}:t{tag} vanishes");
    }

    // What no tag leads to goes.
    private void Collect()
    {
        _present.RemoveWhere(one => !_tags.Any(tag => tag.Key.Repository == one.Repository && tag.Value.WithClosure().Contains(one.Node)));
        _world.Trace?.Invoke($"  {Hosts[^1].Name} forgets what has no tag");
    }

    private readonly record struct Saying(long Number, int Repository, int Tag, Digest Digest);
}
