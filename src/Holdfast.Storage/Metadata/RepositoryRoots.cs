using Holdfast.Oci;

namespace Holdfast.Storage.Metadata;

/// <summary>
/// The roots of a repository: what was pushed as an image of its own. Not a child of an index, nor what is said about an image that is there (a referrer whose subject is
/// live), nor an untagged part of an index that is in the trash, which the collection sees to.
/// </summary>
public static partial class RepositoryRoots
{
    private const string ManifestSql = """
        SELECT m.id, b.digest, m.pushed_at, m.pulled_at, m.untagged_at, s.id, s.trashed_at, CASE WHEN m.subject IS NULL THEN 0 ELSE 1 END FROM manifests m
        JOIN blobs b ON b.id = m.blob_id
        LEFT JOIN blobs sb ON sb.digest = m.subject
        LEFT JOIN manifests s ON s.repository_id = m.repository_id AND s.blob_id = sb.id
        """;

    public static IReadOnlyList<RootRow> List(MetadataSession session, RepositoryKey repository)
    {
        if (Repositories.Find(session, repository) is not { } id)
            return [];
        var manifests = ReadManifests(session, id);
        var children = ReadEdges(session, id, manifests);
        ReadTags(session, id, manifests);
        var roots = new List<RootRow>();
        foreach (var manifest in manifests.Values)
        {
            if (!manifest.IsListed && !manifest.HasSubject && !(manifest.WasListed && manifest.Tags.Count == 0))
                roots.Add(Root(manifest, manifests, children));
        }
        return roots;
    }

    /// <summary>What removing these roots would free at most: blobs that other manifests of the repository need are left out, other repositories are not looked at.</summary>
    public static long FreedBytes(MetadataSession session, RepositoryKey repository, IReadOnlyCollection<Digest> removed)
    {
        if (removed.Count == 0 || Repositories.Find(session, repository) is not { } id)
            return 0;
        var manifests = ReadManifests(session, id);
        var children = ReadEdges(session, id, manifests);
        ReadTags(session, id, manifests);
        var gone = Unreachable(manifests, children, removed.ToHashSet());
        return SumOnlyUsedBy(session, id, gone);
    }

    private static Dictionary<long, LiveManifest> ReadManifests(MetadataSession session, long repositoryId)
    {
        var manifests = new Dictionary<long, LiveManifest>();
        using var rows = session.Prepare($"{ManifestSql} WHERE m.repository_id = @repository AND m.trashed_at IS NULL").Set("@repository", repositoryId).Query();
        while (rows.Read())
            manifests.Add(rows.Long(0), ToManifest(rows));
        return manifests;
    }

    private static LiveManifest ToManifest(StatementRows rows)
    {
        var (subject, subjectTrashedAt) = (rows.LongOrNull(5), rows.LongOrNull(6));
        return new LiveManifest(rows.Long(0), rows.Digest(1), rows.Long(2), rows.Long(3))
        {
            UntaggedAtMs = rows.LongOrNull(4),
            HasSubject = subject is not null && subjectTrashedAt is null,
            LostSubject = rows.Long(7) == 1 && (subject is null || subjectTrashedAt is not null),
            SubjectTrashedAtMs = subjectTrashedAt ?? 0,
        };
    }

    /// <returns>The children of live manifests, by their ids.</returns>
    private static Dictionary<long, List<long>> ReadEdges(MetadataSession session, long repositoryId, Dictionary<long, LiveManifest> manifests)
    {
        const string Sql = """
            SELECT c.manifest_id, c.child_id FROM manifests p
            JOIN manifest_children c ON c.manifest_id = p.id
            WHERE p.repository_id = @repository
            """;
        var children = new Dictionary<long, List<long>>();
        using var rows = session.Prepare(Sql).Set("@repository", repositoryId).Query();
        while (rows.Read())
        {
            if (!manifests.TryGetValue(rows.Long(1), out var child))
                continue;
            if (!manifests.ContainsKey(rows.Long(0)))
            {
                child.WasListed = true;
                continue;
            }
            child.Parents.Add(rows.Long(0));
            if (!children.TryGetValue(rows.Long(0), out var listed))
                children.Add(rows.Long(0), listed = []);
            listed.Add(rows.Long(1));
        }
        return children;
    }

    private static void ReadTags(MetadataSession session, long repositoryId, Dictionary<long, LiveManifest> manifests)
    {
        const string Sql = "SELECT manifest_id, name, pushed_at FROM tags WHERE repository_id = @repository ORDER BY name";
        using var rows = session.Prepare(Sql).Set("@repository", repositoryId).Query();
        while (rows.Read())
        {
            // A trashed manifest has no tags; that there is none would be known by now (invariant).
            manifests[rows.Long(0)].Tags.Add(new RootTag(rows.Text(1), rows.Long(2)));
        }
    }

    private static RootRow Root(LiveManifest manifest, Dictionary<long, LiveManifest> manifests, Dictionary<long, List<long>> children)
    {
        var below = Below(manifest.Id, children).Select(id => manifests[id]).ToList();
        return new RootRow(manifest.Digest, manifest.Tags, Math.Max(manifest.PushedAtMs, manifest.Tags.Select(tag => tag.PushedAtMs).DefaultIfEmpty().Max()))
        {
            PulledAtMs = below.Select(part => part.PulledAtMs).Append(manifest.PulledAtMs).Max(),
            // What was said about an image is of use as long as the image can be restored.
            UntaggedAtMs = manifest.Tags.Count > 0 || manifest.UntaggedAtMs is not { } untagged ? null : Math.Max(untagged, manifest.SubjectTrashedAtMs),
            LostSubject = manifest.LostSubject,
            Below = [.. below.Select(part => part.Digest)],
            TagsBelow = [.. below.SelectMany(part => part.Tags).Select(tag => tag.Name)],
        };
    }

    private static HashSet<long> Below(long root, Dictionary<long, List<long>> children)
    {
        var seen = new HashSet<long>();
        if (!children.ContainsKey(root))
            return seen;
        var open = new Queue<long>([root]);
        while (open.TryDequeue(out var next))
        {
            foreach (var child in children.GetValueOrDefault(next, []))
            {
                if (seen.Add(child))
                    open.Enqueue(child);
            }
        }
        return seen;
    }

    // A child goes with its indexes once none of them stays and no tag of its own keeps it.
    private static HashSet<long> Unreachable(Dictionary<long, LiveManifest> manifests, Dictionary<long, List<long>> children, HashSet<Digest> removed)
    {
        var gone = new HashSet<long>();
        var open = new Queue<long>(manifests.Values.Where(manifest => removed.Contains(manifest.Digest)).Select(manifest => manifest.Id));
        while (open.TryDequeue(out var next))
        {
            if (!gone.Add(next))
                continue;
            foreach (var child in children.GetValueOrDefault(next, []))
            {
                if (manifests[child].Tags.Count == 0 && manifests[child].Parents.TrueForAll(gone.Contains))
                    open.Enqueue(child);
            }
        }
        return gone;
    }

    private static long SumOnlyUsedBy(MetadataSession session, long repositoryId, HashSet<long> gone)
    {
        const string Parts = """
            SELECT b.id, b.size FROM manifest_blobs e JOIN blobs b ON b.id = e.blob_id WHERE e.manifest_id = @manifest
            UNION SELECT b.id, b.size FROM manifests m JOIN blobs b ON b.id = m.blob_id WHERE m.id = @manifest
            """;
        const string Users = """
            SELECT e.manifest_id FROM manifest_blobs e JOIN manifests m ON m.id = e.manifest_id
            WHERE e.repository_id = @repository AND e.blob_id = @blob AND m.trashed_at IS NULL
            """;
        var sizes = new Dictionary<long, long>();
        foreach (var manifest in gone)
        {
            using var rows = session.Prepare(Parts).Set("@manifest", manifest).Query();
            while (rows.Read())
                sizes[rows.Long(0)] = rows.Long(1);
        }
        var sum = 0L;
        foreach (var (blob, size) in sizes)
        {
            using var rows = session.Prepare(Users).Set("@repository", repositoryId).Set("@blob", blob).Query();
            var isNeeded = false;
            while (!isNeeded && rows.Read())
                isNeeded = !gone.Contains(rows.Long(0));
            sum += isNeeded ? 0 : size;
        }
        return sum;
    }

    private sealed record LiveManifest(long Id, Digest Digest, long PushedAtMs, long PulledAtMs)
    {
        public long? UntaggedAtMs { get; init; }

        public bool HasSubject { get; init; }

        public bool LostSubject { get; init; }

        public long SubjectTrashedAtMs { get; init; }

        public bool WasListed { get; set; }

        public bool IsListed => Parents.Count > 0;

        public List<long> Parents { get; } = [];

        public List<RootTag> Tags { get; } = [];
    }
}

/// <summary>A root with what decides whether it stays.</summary>
/// <param name="Tags">In ASCII order.</param>
/// <param name="PushedAtMs">When it, or one of its tags, was last put.</param>
public sealed record RootRow(Digest Digest, IReadOnlyList<RootTag> Tags, long PushedAtMs)
{
    /// <summary>When it, or anything below it, was last pulled, within an hour; 0: never.</summary>
    public long PulledAtMs { get; init; }

    /// <summary>Since when it has had no tag, or its subject is in the trash, whichever is later; null: it has a tag, or nobody knows.</summary>
    public long? UntaggedAtMs { get; init; }

    /// <summary>Is it about an image that is no longer there?</summary>
    public bool LostSubject { get; init; }

    /// <summary>The children, and theirs.</summary>
    public IReadOnlyList<Digest> Below { get; init; } = [];

    public IReadOnlyList<string> TagsBelow { get; init; } = [];

    /// <summary>Has nothing happened to it since the other was read?</summary>
    public bool IsAsBefore(RootRow other) =>
        Digest == other.Digest && PushedAtMs == other.PushedAtMs && PulledAtMs == other.PulledAtMs && UntaggedAtMs == other.UntaggedAtMs && Tags.SequenceEqual(other.Tags);
}

public readonly record struct RootTag(string Name, long PushedAtMs);
