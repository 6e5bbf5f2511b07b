using Holdfast.Oci;

namespace Holdfast.Storage.Metadata;

public static partial class RepositoryRoots
{
    /// <summary>One root, as <see cref="List"/> would name it; costs what it and its children are, however large the repository is.</summary>
    /// <returns>Null if there is no such manifest, or if it is no root.</returns>
    public static RootRow? Find(MetadataSession session, RepositoryKey repository, Digest digest)
    {
        if (Manifests.FindId(session, repository, digest) is not { } id || FindStanding(session, id) is not { } standing)
            return null;
        var manifests = new Dictionary<long, LiveManifest>();
        var children = new Dictionary<long, List<long>>();
        manifests.Add(id, ReadManifest(session, id)!);
        var open = new Queue<long>([id]);
        while (open.TryDequeue(out var next))
        {
            foreach (var child in ReadChildren(session, next))
            {
                if (ReadManifest(session, child) is not { } live)
                    continue;
                if (manifests.TryAdd(child, live))
                    open.Enqueue(child);
                if (!children.TryGetValue(next, out var listed))
                    children.Add(next, listed = []);
                listed.Add(child);
            }
        }
        // An untagged part of an index that is in the trash is no root.
        return standing.WasListed && manifests[id].Tags.Count == 0 ? null : Root(manifests[id], manifests, children);
    }

    /// <returns>When a tagged root, or one of its tags, was last put, and the first of its tags; null if it is no tagged root by now.</returns>
    public static (long PushedAtMs, string FirstTag)? FindPush(MetadataSession session, RepositoryKey repository, Digest digest)
    {
        const string Sql = "SELECT name, pushed_at FROM tags WHERE manifest_id = @manifest ORDER BY name";
        const string Pushed = "SELECT pushed_at FROM manifests WHERE id = @manifest";
        if (Manifests.FindId(session, repository, digest) is not { } id || FindStanding(session, id) is null)
            return null;
        string? first = null;
        var pushedAtMs = session.Prepare(Pushed).Set("@manifest", id).QueryLong()!.Value;
        using var rows = session.Prepare(Sql).Set("@manifest", id).Query();
        while (rows.Read())
        {
            first ??= rows.Text(0);
            pushedAtMs = Math.Max(pushedAtMs, rows.Long(1));
        }
        return first is null ? null : (pushedAtMs, first);
    }

    /// <returns>Null: a live index lists it, or its subject is live.</returns>
    private static Standing? FindStanding(MetadataSession session, long manifestId)
    {
        const string Sql = """
            SELECT
                (SELECT COUNT(*) FROM manifest_children c JOIN manifests p ON p.id = c.manifest_id WHERE c.child_id = m.id AND p.trashed_at IS NULL),
                (SELECT COUNT(*) FROM manifest_children c JOIN manifests p ON p.id = c.manifest_id WHERE c.child_id = m.id AND p.trashed_at IS NOT NULL),
                (SELECT COUNT(*) FROM blobs b JOIN manifests s ON s.blob_id = b.id AND s.repository_id = m.repository_id AND s.trashed_at IS NULL WHERE b.digest = m.subject)
            FROM manifests m WHERE m.id = @manifest
            """;
        using var rows = session.Prepare(Sql).Set("@manifest", manifestId).Query();
        return rows.Read() && rows.Long(0) == 0 && rows.Long(2) == 0 ? new Standing(rows.Long(1) > 0) : null;
    }

    private static LiveManifest? ReadManifest(MetadataSession session, long manifestId)
    {
        const string Tags = "SELECT name, pushed_at FROM tags WHERE manifest_id = @manifest ORDER BY name";
        LiveManifest manifest;
        using (var rows = session.Prepare($"{ManifestSql} WHERE m.id = @manifest AND m.trashed_at IS NULL").Set("@manifest", manifestId).Query())
        {
            if (!rows.Read())
                return null;
            manifest = ToManifest(rows);
        }
        using var tags = session.Prepare(Tags).Set("@manifest", manifestId).Query();
        while (tags.Read())
            manifest.Tags.Add(new RootTag(tags.Text(0), tags.Long(1)));
        return manifest;
    }

    private static List<long> ReadChildren(MetadataSession session, long manifestId)
    {
        const string Sql = "SELECT child_id FROM manifest_children WHERE manifest_id = @manifest ORDER BY child_id";
        var children = new List<long>();
        using var rows = session.Prepare(Sql).Set("@manifest", manifestId).Query();
        while (rows.Read())
            children.Add(rows.Long(0));
        return children;
    }

    private readonly record struct Standing(bool WasListed);
}
