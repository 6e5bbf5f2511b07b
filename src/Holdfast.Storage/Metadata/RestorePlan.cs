using Holdfast.Oci;

namespace Holdfast.Storage.Metadata;

/// <summary>Works out the steps of a restore in the order in which they are done: what is needed before what needs it, tags last.</summary>
internal sealed class RestorePlan
{
    private readonly MetadataSession _session;
    private readonly RestoreTerms _terms;
    private readonly List<RestoreStep> _steps = [];
    private readonly HashSet<long> _rows = [];
    private readonly HashSet<long> _manifests = [];
    private readonly HashSet<(long Repository, long Blob)> _links = [];
    private readonly Dictionary<(long Repository, Tag Tag), long> _tags = [];

    private RestorePlan(MetadataSession session, RestoreTerms terms) => (_session, _terms) = (session, terms);

    public static IReadOnlyList<RestoreStep> Make(MetadataSession session, IReadOnlyList<long> ids, RestoreTerms terms)
    {
        var plan = new RestorePlan(session, terms);
        foreach (var id in ids)
            plan.Add(id);
        return plan._steps;
    }

    private void Add(long id)
    {
        if (_rows.Contains(id))
            return;
        var row = TrashRow.Find(_session, id);
        switch (row?.Kind)
        {
            case TrashKind.Tag:
                AddTag(row);
                break;
            case TrashKind.Manifest:
                AddManifest(row.ManifestId);
                foreach (var tag in TrashRow.ListTags(_session, row))
                    AddTag(tag);
                break;
            case TrashKind.Link:
                AddLink(row);
                break;
            default:
                _steps.Add(new RestoreStep(null, new RestoredThing(id, TrashKind.Tag, RestoreOutcome.Unknown, default, default)));
                break;
        }
    }

    private bool IsImmutable(RepositoryKey repository, Tag tag) => _terms.ImmutableTags?.Invoke(repository)?.Invoke(tag) == true;

    private void AddTag(TrashRow row)
    {
        const string Find = "SELECT manifest_id FROM tags WHERE repository_id = @repository AND name = @tag";
        if (!_rows.Add(row.Id))
            return;
        var tag = _terms.To ?? Tag.Parse(row.Tag!);
        var present = _tags.TryGetValue((row.RepositoryId, tag), out var planned)
            ? planned
            : _session.Prepare(Find).Set("@repository", row.RepositoryId).Set("@tag", tag.ToString()).QueryLong();
        var outcome = RestoreOutcome.Restored;
        if (present == row.ManifestId)
            outcome = RestoreOutcome.AlreadyThere;
        // What this same restore has put there is newer than what is to replace it, and stays.
        else if (present is not null && (_terms.Replacing is null || planned != 0 || _terms.Settled?.Contains((row.Repository, tag)) == true || IsImmutable(row.Repository, tag)))
            outcome = RestoreOutcome.TagMoved;
        if (outcome == RestoreOutcome.Restored)
        {
            AddManifest(row.ManifestId);
            _tags[(row.RepositoryId, tag)] = row.ManifestId;
        }
        _steps.Add(new RestoreStep(row, new RestoredThing(
            row.Id,
            TrashKind.Tag,
            outcome,
            row.Repository,
            Manifests.DigestOf(_session, row.ManifestId),
            tag,
            present is { } other && outcome != RestoreOutcome.AlreadyThere ? Manifests.DigestOf(_session, other) : null)));
    }

    // What a live manifest needs is live. Those below come first.
    private void AddManifest(long manifestId)
    {
        var found = new List<TrashRow>();
        var queue = new Queue<long>([manifestId]);
        while (queue.TryDequeue(out var id))
        {
            if (!_manifests.Add(id) || TrashRow.FindManifest(_session, id) is not { } row)
                continue;
            found.Add(row);
            foreach (var child in ChildrenOf(id))
                queue.Enqueue(child);
        }
        found.Reverse();
        foreach (var row in found)
        {
            foreach (var link in TrashRow.ListLinks(_session, row))
                AddLink(link);
            _rows.Add(row.Id);
            AddStep(row, Manifests.DigestOf(_session, row.ManifestId));
        }
    }

    private void AddLink(TrashRow row)
    {
        _rows.Add(row.Id);
        if (_links.Add((row.RepositoryId, row.BlobId)))
            AddStep(row, BlobRows.DigestOf(_session, row.BlobId));
    }

    private void AddStep(TrashRow row, Digest digest) =>
        _steps.Add(new RestoreStep(row, new RestoredThing(row.Id, row.Kind, RestoreOutcome.Restored, row.Repository, digest)));

    private List<long> ChildrenOf(long manifestId)
    {
        var children = new List<long>();
        using var rows = _session.Prepare("SELECT child_id FROM manifest_children WHERE manifest_id = @manifest").Set("@manifest", manifestId).Query();
        while (rows.Read())
            children.Add(rows.Long(0));
        return children;
    }
}

/// <param name="Row">Null if there is none any more.</param>
internal sealed record RestoreStep(TrashRow? Row, RestoredThing Thing);
