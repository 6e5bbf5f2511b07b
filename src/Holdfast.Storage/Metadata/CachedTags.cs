using Holdfast.Oci;

namespace Holdfast.Storage.Metadata;

/// <summary>The tags of caches: where the upstream's last were known to point.</summary>
public static class CachedTags
{
    public static CachedTag? Find(MetadataSession session, RepositoryKey repository, Tag tag)
    {
        const string Sql = """
            SELECT b.digest, u.confirmed_at, u.gone_at, u.denied_at FROM repositories r
            JOIN tags t ON t.repository_id = r.id AND t.name = @tag
            JOIN upstream_tags u ON u.repository_id = t.repository_id AND u.name = t.name
            JOIN manifests m ON m.id = t.manifest_id
            JOIN blobs b ON b.id = m.blob_id
            WHERE r.registry_id = @registry AND r.name = @repository
            """;
        using var rows = session.Prepare(Sql).Set(repository).Set("@tag", tag.ToString()).Query();
        return rows.Read() ? new CachedTag(rows.Digest(0), rows.Long(1), rows.LongOrNull(2)) { IsDenied = rows.LongOrNull(3) is not null } : null;
    }

    /// <summary>Tags of a cache, repository by repository.</summary>
    public static IReadOnlyList<(RepositoryName Repository, Tag Tag)> List(MetadataSession session, int registry, int offset, int limit)
    {
        const string Sql = """
            SELECT r.name, t.name FROM repositories r JOIN tags t ON t.repository_id = r.id
            WHERE r.registry_id = @registry
            ORDER BY r.name, t.name
            LIMIT @limit OFFSET @offset
            """;
        var tags = new List<(RepositoryName, Tag)>();
        using var rows = session.Prepare(Sql).Set("@registry", registry).Set("@offset", offset).Set("@limit", limit).Query();
        while (rows.Read())
            tags.Add((RepositoryName.Parse(rows.Text(0)), Tag.Parse(rows.Text(1))));
        return tags;
    }

    /// <summary>The upstream said that the tag is at this manifest. What it has said of it since stays.</summary>
    /// <param name="saidMs">When.</param>
    /// <param name="nowMs">What is dated later than this was written by a clock that has been set right since. Null: the same.</param>
    /// <returns>False if the repository has no such manifest; nothing was changed then.</returns>
    public static bool Confirm(MetadataSession session, RepositoryKey repository, Tag tag, Digest digest, long saidMs, long? nowMs = null)
    {
        const string Since = """
            SELECT 1 FROM upstream_tags WHERE repository_id = @repository AND name = @tag
              AND ((confirmed_at > @said AND confirmed_at <= @now) OR (gone_at > @said AND gone_at <= @now) OR (denied_at > @said AND denied_at <= @now))
            """;
        if (Manifests.FindId(session, repository, digest) is not { } manifestId)
            return false;
        var repositoryId = Repositories.Find(session, repository)!.Value;
        if (session.Prepare(Since).Set("@repository", repositoryId).Set("@tag", tag.ToString()).Set("@said", saidMs).Set("@now", nowMs ?? saidMs).QueryLong() is null)
            Put(session, new Located<Tag>(repository, repositoryId, tag), manifestId, saidMs);
        return true;
    }

    /// <summary>The upstream says that it has no such tag. What it was stays here, marked.</summary>
    public static void NoteGone(MetadataSession session, RepositoryKey repository, Tag tag, long nowMs)
    {
        const string Sql = "UPDATE upstream_tags SET gone_at = @now, denied_at = NULL WHERE repository_id = @repository AND name = @tag AND gone_at IS NULL";
        if (Repositories.Find(session, repository) is { } id)
            session.Prepare(Sql).Set("@repository", id).Set("@tag", tag.ToString()).Set("@now", nowMs).Execute();
    }

    /// <summary>The upstream refuses to say where it is. Until it says so again, nobody is told.</summary>
    public static void NoteDenied(MetadataSession session, RepositoryKey repository, Tag tag, long nowMs)
    {
        const string Sql = "UPDATE upstream_tags SET denied_at = @now WHERE repository_id = @repository AND name = @tag AND denied_at IS NULL";
        if (Repositories.Find(session, repository) is { } id)
            session.Prepare(Sql).Set("@repository", id).Set("@tag", tag.ToString()).Set("@now", nowMs).Execute();
    }

    internal static void Put(MetadataSession session, Located<Tag> tag, long manifestId, long nowMs)
    {
        const string Before = "SELECT manifest_id FROM tags WHERE repository_id = @repository AND name = @tag";
        const string Sql = """
            INSERT INTO tags (repository_id, name, manifest_id, created_at, updated_at, pushed_at)
            VALUES (@repository, @tag, @manifest, @now, @now, @now)
            ON CONFLICT (repository_id, name) DO UPDATE SET manifest_id = excluded.manifest_id, pushed_at = excluded.pushed_at,
              updated_at = CASE WHEN tags.manifest_id = excluded.manifest_id THEN tags.updated_at ELSE excluded.updated_at END
            """;
        const string Confirmed = """
            INSERT INTO upstream_tags (repository_id, name, confirmed_at) VALUES (@repository, @tag, @now)
            ON CONFLICT (repository_id, name) DO UPDATE SET confirmed_at = excluded.confirmed_at, gone_at = NULL, denied_at = NULL
            """;
        var name = tag.Item.ToString();
        var before = session.Prepare(Before).Set("@repository", tag.RepositoryId).Set("@tag", name).QueryLong();
        session.Prepare(Sql).Set("@repository", tag.RepositoryId).Set("@tag", name).Set("@manifest", manifestId).Set("@now", nowMs).Execute();
        session.Prepare(Confirmed).Set("@repository", tag.RepositoryId).Set("@tag", name).Set("@now", nowMs).Execute();
        if (before is { } other && other != manifestId)
            Manifests.NoteUntagged(session, other, nowMs);
        session.Prepare("UPDATE manifests SET untagged_at = NULL WHERE id = @manifest AND untagged_at IS NOT NULL").Set("@manifest", manifestId).Execute();
    }
}

/// <param name="ConfirmedMs">When the upstream last said so.</param>
/// <param name="GoneMs">Since when it says that there is no such tag; null: there is.</param>
public readonly record struct CachedTag(Digest Digest, long ConfirmedMs, long? GoneMs)
{
    /// <summary>Does the upstream refuse to say where it is?</summary>
    public bool IsDenied { get; init; }
}
