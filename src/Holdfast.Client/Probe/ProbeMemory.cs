using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Holdfast.Client.Walk;
using Holdfast.Oci;

namespace Holdfast.Client.Probe;

/// <summary>
/// What a probe knows of one registry from earlier rounds: which bytes it has read and when, what manifests refer to, when each tag was last checked and what was wrong
/// with it. Without it every round would read everything, and one with a cap would forget what failed in the round before.
/// </summary>
public sealed class ProbeMemory : ReadLedger
{
    /// <summary>Bytes are read again a day after they were read, a quarter of them up to six hours sooner, so that not all come due at once.</summary>
    public static readonly TimeSpan BytesEvery = TimeSpan.FromDays(1);

    private readonly ConcurrentDictionary<DigestKey, (Digest Digest, ManifestView View)> _views = new();
    private readonly TimeProvider _time;

    // Most images share most of their layers; each is kept once.
    private readonly ConcurrentDictionary<ManifestEdge, ManifestEdge> _edges = new();

    /// <param name="instance">host or host:port, as metrics name it.</param>
    public ProbeMemory(string instance, TimeProvider time)
        : base(time, BytesEvery)
    {
        (Instance, _time) = (instance, time);
    }

    public string Instance { get; }

    /// <summary>When a round last came to its end, in Unix seconds; 0: never.</summary>
    public long LastRunAt { get; set; }

    public ConcurrentDictionary<TagKey, TagState> Tags { get; } = new();

    public override bool Recalls => IsKept;

    /// <summary>Will there be another round that makes use of it? For one round alone what manifests refer to is not kept: ten thousand take some 10 MB, and a HEAD each to look whether they are known.</summary>
    public bool IsKept { get; init; } = true;

    public override bool IsFresh(Digest digest)
    {
        var key = DigestKey.Of(digest);
        return TryGetReadAt(key, out var at) && IsFreshAt(at, key);
    }

    public override bool TryRecall(Digest digest, [NotNullWhen(true)] out ManifestView? view)
    {
        view = IsFresh(digest) && _views.TryGetValue(DigestKey.Of(digest), out var known) ? known.View : null;
        return view is not null;
    }

    public override void Note(Digest digest, ManifestView view)
    {
        base.Note(digest, view);
        if (IsKept)
            Keep(digest, view);
    }

    /// <summary>Forgets what is too old to spare a read.</summary>
    public void Prune()
    {
        foreach (var (key, at) in ReadTimes)
        {
            if (IsFreshAt(at, key))
                continue;
            Forget(key);
            _views.TryRemove(key, out _);
        }
        _edges.Clear();
    }

    /// <summary>For the file: blobs that were read.</summary>
    internal IEnumerable<(DigestKey Key, long ReadAt)> ReadBlobs => ReadTimes.Where(pair => !_views.ContainsKey(pair.Key)).Select(static pair => (pair.Key, pair.Value));

    /// <summary>For the file: manifests that were read.</summary>
    internal IEnumerable<(Digest Digest, long ReadAt, ManifestView View)> ReadManifests =>
        _views.Values.Select(known => (known.Digest, TryGetReadAt(DigestKey.Of(known.Digest), out var at) ? at : 0, known.View));

    /// <summary>From the file. What the clock has not reached yet was written under another clock, and counts for nothing.</summary>
    internal void Restore(DigestKey key, long readAt) => NoteRead(key, readAt);

    /// <inheritdoc cref="Restore(DigestKey, long)"/>
    internal void Restore(Digest digest, long readAt, ManifestView view)
    {
        NoteRead(DigestKey.Of(digest), readAt);
        Keep(digest, view);
    }

    private void Keep(Digest digest, ManifestView view) =>
        _views[DigestKey.Of(digest)] = (digest, view with { Edges = view.Edges.Select(edge => _edges.GetOrAdd(edge, edge)).ToArray() });

    private bool IsFreshAt(long at, DigestKey key)
    {
        var age = _time.GetUtcNow().ToUnixTimeSeconds() - at;
        return age >= 0 && age < BytesEvery.TotalSeconds * (1 - (key.D % 1024 / 4096.0));
    }
}
