using Holdfast.Oci;

namespace Simulation;

/// <summary>
/// What clients were told. A change that nobody has heard the end of may have happened or not; what then is seen decides it, and must be one of
/// what could be.
/// </summary>
/// <param name="look">What a client would see now under a tag; null: nothing.</param>
/// <param name="isLive">Does a client see the manifest now?</param>
/// <param name="mayComeBack">May what has failed now be done by the next start, since the journal could not be rid of it?</param>
internal sealed class Model(Func<int, int, Digest?> look, Func<int, Node, bool> isLive, Func<bool> mayComeBack)
{
    private readonly Dictionary<(int Repository, int Tag), TagState> _tags = [];
    private readonly Dictionary<(int Repository, Node Node), ManifestState> _manifests = [];
    private readonly HashSet<Change> _open = [];
    private readonly List<Change> _comingBack = [];
    private long _sequence;

    /// <summary>Manifests that must be there: acknowledged, and nothing was deleted since that could take them along.</summary>
    public IEnumerable<(int Repository, Node Node)> Required => _manifests.Where(pair => pair.Value.IsRequired).Select(pair => pair.Key);

    public IEnumerable<(int Repository, int Tag)> Tags => _tags.Keys;

    public bool IsRequired(int repository, Node node) => _manifests.TryGetValue((repository, node), out var state) && state.IsRequired;

    /// <summary>A request is sent that may change something.</summary>
    public Change Begin(Change change)
    {
        change.Started = ++_sequence;
        // A delete of the tag that was sent before this may come after it, and take along what it finds there then.
        foreach (var delete in _open.Where(other => MayUndo(other, change)))
            Hide(delete, change.Shows.SelectMany(node => node.WithClosure()));
        if (change.IsRestore)
            change.Doomed.UnionWith(change.Shows.Where(node => HasDoomedAncestor(change, node)));
        foreach (var effect in change.Effects)
            TagOf(change.Repository, effect.Tag).Open.Add(effect);
        foreach (var node in change.Shows)
            ManifestOf(change.Repository, node).Showing++;
        Hide(change, change.MayHide);
        _open.Add(change);
        return change;
    }

    /// <summary>The client was told that it is done.</summary>
    public void Acknowledge(Change change)
    {
        End(change, static (effect, state) => effect.IsCertain ? [effect.Value] : [state.Known, effect.Value]);
        // What a delete before this has left to the collection stays if it is pushed again, however deep below what was deleted. If a restore only gives
        // it its tag back, it doesn't. Parents first, since what the restore holds is not doomed.
        foreach (var node in change.Shows.OrderByDescending(node => node.Closure.Count))
        {
            var state = ManifestOf(change.Repository, node);
            var isDoomed = change.Doomed.Contains(node) || (change.IsRestore && HasDoomedAncestor(change, node));
            state.IsRequired = state.IsRequired || (!isDoomed && state.Hiding == 0 && state.LastHidden < change.Started);
        }
    }

    /// <summary>The client was told no: nothing has changed by it.</summary>
    public void Refuse(Change change) => End(change, static (_, state) => [state.Known]);

    /// <summary>The client doesn't know.</summary>
    public void Forget(Change change)
    {
        End(change, static (effect, state) => [state.Known, effect.Value]);
        if (mayComeBack())
            _comingBack.Add(change);
    }

    /// <summary>The process died: nobody hears of anything that was under way.</summary>
    public void ForgetAll()
    {
        // Together: each of them may have come last.
        foreach (var change in _open)
        {
            foreach (var effect in change.Effects)
                effect.Beside.AddRange(TagOf(change.Repository, effect.Tag).Open.Select(other => other.Value));
        }
        foreach (var change in _open.ToList())
            Close(change, observe: false, static (effect, state) => [state.Known, effect.Value]);
        foreach (var change in _comingBack)
        {
            foreach (var effect in change.Effects)
                TagOf(change.Repository, effect.Tag).Undecided.AddRange([TagOf(change.Repository, effect.Tag).Known, effect.Value]);
            foreach (var node in change.Hides)
                ManifestOf(change.Repository, node).IsRequired = false;
        }
        _comingBack.Clear();
    }

    /// <summary>Looks at a tag; what is seen must be possible.</summary>
    public Digest? Observe(int repository, int tag)
    {
        var state = TagOf(repository, tag);
        return Settle(repository, tag, state, [state.Known]);
    }

    /// <summary>Was a manifest, for this whole change, neither pushed nor restored by another?</summary>
    public bool WasNotShownDuring(Change change, Node node)
    {
        var state = ManifestOf(change.Repository, node);
        return state.Showing == 0 && state.LastShown < change.Started;
    }

    /// <summary>Did nothing but this change push or restore the manifest since a delete was sent?</summary>
    /// <param name="sequence">When it was sent: of a push that was under way then nobody can tell which of both came last.</param>
    public bool WasNotShownSince(long sequence, Change beside, Node node)
    {
        var state = ManifestOf(beside.Repository, node);
        return state.Showing == (beside.Shows.Contains(node) ? 1 : 0) && state.LastShown < sequence;
    }

    /// <summary>Is another change under way that may do something to the tag?</summary>
    public bool IsChanging(int repository, int tag, Change beside) =>
        _open.Any(change => change != beside && change.Repository == repository && change.Effects.Any(effect => effect.Tag == tag));

    /// <summary>Everything that the tag could name now.</summary>
    public IEnumerable<Digest> Candidates(int repository, int tag)
    {
        var state = TagOf(repository, tag);
        return state.Open.Select(effect => effect.Value).Append(state.Known).OfType<Digest>().Distinct();
    }

    private static bool MayUndo(Change delete, Change push) => delete.Repository == push.Repository && delete.Effects.Any(gone =>
        gone.Value is null && gone.IsCertain && push.Effects.Any(put => put.Tag == gone.Tag && put.Value is not null));

    private void Hide(Change change, IEnumerable<Node> nodes)
    {
        foreach (var node in nodes.Where(change.Hides.Add))
        {
            var state = ManifestOf(change.Repository, node);
            state.Hiding++;
            state.IsRequired = false;
        }
    }

    private bool HasDoomedAncestor(Change change, Node node) => node.Ancestors.Any(ancestor =>
        !change.Shows.Contains(ancestor) && !IsRequired(change.Repository, ancestor) && isLive(change.Repository, ancestor));

    private void End(Change change, Func<Effect, TagState, Digest?[]> allowed) => Close(change, observe: true, allowed);

    private void Close(Change change, bool observe, Func<Effect, TagState, Digest?[]> allowed)
    {
        if (!_open.Remove(change))
            throw new InvalidOperationException("a change ended twice");
        _sequence++;
        foreach (var node in change.Shows)
        {
            var state = ManifestOf(change.Repository, node);
            state.Showing--;
            state.LastShown = _sequence;
        }
        foreach (var node in change.Hides)
        {
            var state = ManifestOf(change.Repository, node);
            state.Hiding--;
            state.LastHidden = _sequence;
        }
        foreach (var effect in change.Effects)
        {
            var state = TagOf(change.Repository, effect.Tag);
            state.Open.Remove(effect);
            foreach (var other in state.Open)
                other.Beside.Add(effect.Value);
            if (observe)
                Settle(change.Repository, effect.Tag, state, [.. allowed(effect, state), .. effect.Beside]);
            else
                state.Undecided.AddRange([.. allowed(effect, state), .. effect.Beside]);
        }
    }

    private Digest? Settle(int repository, int tag, TagState state, IEnumerable<Digest?> allowed)
    {
        var seen = look(repository, tag);
        if (!allowed.Concat(state.Undecided).Concat(state.Open.Select(effect => effect.Value)).Contains(seen))
            throw new BrokenPromiseException($"r{repository}:t{tag} is {Text(seen)}, and should be {string.Join(" or ", allowed.Distinct().Select(Text))}");
        state.Known = seen;
        state.Undecided.Clear();
        return seen;
    }

    private static string Text(Digest? digest) => digest is { } some ? Content.NameOf(some) : "nothing";

    private TagState TagOf(int repository, int tag)
    {
        if (!_tags.TryGetValue((repository, tag), out var state))
            _tags[(repository, tag)] = state = new TagState();
        return state;
    }

    private ManifestState ManifestOf(int repository, Node node)
    {
        if (!_manifests.TryGetValue((repository, node), out var state))
            _manifests[(repository, node)] = state = new ManifestState();
        return state;
    }

    private sealed class TagState
    {
        public Digest? Known { get; set; }

        public List<Effect> Open { get; } = [];

        /// <summary>What it may also be since the process died; nobody has looked yet.</summary>
        public List<Digest?> Undecided { get; } = [];
    }

    private sealed class ManifestState
    {
        public bool IsRequired { get; set; }

        public int Hiding { get; set; }

        public long LastHidden { get; set; }

        public int Showing { get; set; }

        public long LastShown { get; set; }
    }
}

/// <summary>What a request may do to a repository.</summary>
internal sealed class Change(int repository)
{
    public int Repository => repository;

    public long Started { get; set; }

    /// <summary>Does it show what was there before, and not what the client sends?</summary>
    public bool IsRestore { get; init; }

    /// <summary>Of what a restore shows, what was below something that the collection was about to take when it was sent.</summary>
    public HashSet<Node> Doomed { get; } = [];

    public IReadOnlyList<Effect> Effects { get; init; } = [];

    /// <summary>Manifests that are there once this is acknowledged.</summary>
    public IReadOnlyCollection<Node> Shows { get; init; } = [];

    /// <summary>Manifests that may go by this, now or when they are collected, as it is known when it is sent.</summary>
    public IReadOnlyCollection<Node> MayHide { get; init; } = [];

    /// <summary>The same, with those that came under it since.</summary>
    public HashSet<Node> Hides { get; } = [];
}

/// <summary>What a change does to a tag.</summary>
/// <param name="value">The manifest that it points at then; null: it is gone.</param>
/// <param name="isCertain">False: only if the tag points at what the change deletes.</param>
internal sealed class Effect(int tag, Digest? value, bool isCertain = true)
{
    public int Tag => tag;

    public Digest? Value => value;

    public bool IsCertain { get; set; } = isCertain;

    /// <summary>What other changes that ended meanwhile made of the tag.</summary>
    public List<Digest?> Beside { get; } = [];
}

/// <summary>The history has shown a fault.</summary>
internal sealed class BrokenPromiseException(string message) : Exception(message)
{
}
