using Holdfast.Drill.Images;

namespace Holdfast.Drill.Ledgers;

/// <summary>All that a server acknowledged, and so owes; from every client of a drill. For any number of threads.</summary>
internal sealed class Ledger
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(string Repository, string Tag), Register> _tags = [];
    private readonly Dictionary<(string Repository, string Digest), ManifestRecord> _manifests = [];

    // The same, for one by chance: drills know a hundred thousand, and pick many times a second.
    private readonly List<ManifestRecord> _order = [];
    private readonly List<(string Repository, string Tag)> _tagOrder = [];

    public long Acknowledged { get; private set; }

    public IReadOnlyList<(string Repository, string Tag)> Tags
    {
        get
        {
            lock (_lock)
                return [.. _tags.Keys];
        }
    }

    public IReadOnlyList<ManifestRecord> Manifests
    {
        get
        {
            lock (_lock)
                return [.. _manifests.Values];
        }
    }

    public Register Tag(string repository, string tag)
    {
        lock (_lock)
            return _tags[(repository, tag)];
    }

    /// <returns>Any of them; null if there is none.</returns>
    public ManifestRecord? PickManifest(Random random)
    {
        lock (_lock)
            return _order.Count == 0 ? null : _order[random.Next(_order.Count)];
    }

    /// <returns>Any of them; null if there is none.</returns>
    public (string Repository, string Tag)? PickTag(Random random)
    {
        lock (_lock)
            return _tagOrder.Count == 0 ? null : _tagOrder[random.Next(_tagOrder.Count)];
    }

    /// <summary>A copy, since others go on.</summary>
    public IReadOnlySet<string> PossibleOf(string repository, string tag)
    {
        lock (_lock)
            return new HashSet<string>(_tags[(repository, tag)].Possible, StringComparer.Ordinal);
    }

    public bool IsOwed(ManifestRecord manifest)
    {
        lock (_lock)
            return manifest.IsOwed;
    }

    /// <summary>
    /// A tag that surely stands for an index that lists this manifest, by whatever way, or for this manifest itself; and how often the tag was changed.
    /// </summary>
    public (Register Tag, long Begun, bool IsParent)? HolderOf(string repository, string digest)
    {
        lock (_lock)
        {
            foreach (var ((tagRepository, _), register) in _tags)
            {
                if (tagRepository == repository && register is { IsBeingChanged: false, Only: { Length: > 0 } root } && Reaches(repository, root, digest))
                    return (register, register.Begun, root != digest);
            }

            return null;
        }
    }

    /// <summary>The holder is what it was.</summary>
    public bool StillHolds((Register Tag, long Begun, bool IsParent) holder)
    {
        lock (_lock)
            return holder.Tag.Begun == holder.Begun;
    }

    /// <returns>What to call with the answer: true acknowledged, false refused, null none.</returns>
    public Action<bool?> BeginPut(string repository, Manifest manifest, IReadOnlyList<string> tags)
    {
        lock (_lock)
        {
            var record = Record(repository, manifest);
            // A delete of this manifest that is on its way may still take the tags away that are set here.
            var contested = record.State.IsBeingChanged;
            var changes = tags.Select(tag => TagRegister(repository, tag).BeginSet(manifest.Digest)).ToList();
            changes.Add(record.State.BeginSet(ManifestRecord.Present));
            var releases = record.Releases;
            return acknowledged =>
            {
                lock (_lock)
                {
                    changes.ForEach(change => change.End(acknowledged));
                    foreach (var tag in contested ? tags : [])
                        TagRegister(repository, tag).Unsettle();
                    if (acknowledged != true)
                        return;
                    Acknowledged++;
                    if (!contested)
                        record.Outlived = Math.Max(record.Outlived, releases);
                }
            };
        }
    }

    public Action<bool?> BeginDeleteTag(string repository, string tag)
    {
        lock (_lock)
        {
            var register = TagRegister(repository, tag);
            foreach (var digest in register.Possible)
                Release(repository, digest);
            return End([register.BeginSet("")]);
        }
    }

    public Action<bool?> BeginDeleteManifest(ManifestRecord manifest)
    {
        lock (_lock)
        {
            Release(manifest.Repository, manifest.Digest);
            var changes = _tags.Where(tag => tag.Key.Repository == manifest.Repository && tag.Value.MayBe(manifest.Digest))
                .Select(tag => tag.Value.BeginRemove(manifest.Digest)).ToList();
            changes.Add(manifest.State.BeginSet(""));
            var end = End(changes);
            return acknowledged =>
            {
                end(acknowledged);
                if (acknowledged == false)
                    TakeBack(manifest);
            };
        }
    }

    /// <summary>What was seen while nobody changed anything.</summary>
    public void Settle(Register register, string value)
    {
        lock (_lock)
            register.Settle(value);
    }

    /// <summary>Forgets manifests that are gone for good, so that long drills stay small.</summary>
    public void Forget(ManifestRecord manifest)
    {
        lock (_lock)
        {
            if (!_manifests.Remove((manifest.Repository, manifest.Digest)))
                return;
            _order[^1].Place = manifest.Place;
            _order[manifest.Place] = _order[^1];
            _order.RemoveAt(_order.Count - 1);
        }
    }

    private Action<bool?> End(IReadOnlyList<Change> changes) => acknowledged =>
    {
        lock (_lock)
        {
            foreach (var change in changes)
                change.End(acknowledged);
        }
    };

    private bool Reaches(string repository, string from, string digest) =>
        from == digest || (_manifests.TryGetValue((repository, from), out var record) && record.Children.Any(child => Reaches(repository, child, digest)));

    private void Release(string repository, string digest)
    {
        if (!_manifests.TryGetValue((repository, digest), out var record))
            return;
        record.Releases++;
        foreach (var child in record.Children)
            Release(repository, child);
    }

    // A refused delete took nothing from anyone.
    private void TakeBack(ManifestRecord record)
    {
        lock (_lock)
        {
            if (record.Releases > record.Outlived)
                record.Releases--;
            foreach (var child in record.Children)
            {
                if (_manifests.TryGetValue((record.Repository, child), out var found))
                    TakeBack(found);
            }
        }
    }

    private Register TagRegister(string repository, string tag)
    {
        if (!_tags.TryGetValue((repository, tag), out var register))
        {
            _tags[(repository, tag)] = register = new Register();
            _tagOrder.Add((repository, tag));
        }

        return register;
    }

    private ManifestRecord Record(string repository, Manifest manifest)
    {
        if (!_manifests.TryGetValue((repository, manifest.Digest), out var record))
        {
            _manifests[(repository, manifest.Digest)] = record = new ManifestRecord(repository, manifest) { Place = _order.Count };
            _order.Add(record);
        }

        return record;
    }
}
