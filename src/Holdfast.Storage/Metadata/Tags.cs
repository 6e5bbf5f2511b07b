using Holdfast.Oci;
using Holdfast.Storage.Journal;

namespace Holdfast.Storage.Metadata;

/// <summary>The tags of a repository.</summary>
public static class Tags
{
    internal const string PageSql = """
        SELECT t.name FROM repositories r
        JOIN tags t ON t.repository_id = r.id
        WHERE r.registry_id = @registry AND r.name = @repository AND t.name > @last
        ORDER BY t.name
        LIMIT @limit
        """;

    /// <summary>A page of <c>tags/list</c> (dist-spec v1.1.1, end-8b).</summary>
    /// <param name="last">The page begins after this name; null for the first page.</param>
    public static NamePage List(MetadataSession session, RepositoryKey repository, string? last, int limit) =>
        session.Prepare(PageSql).Set(repository).QueryNames(last, limit);

    /// <summary>Deletes the tag into the trash and leaves its manifest (dist-spec v1.1.1, end-9).</summary>
    /// <returns>False if there was none.</returns>
    public static bool Delete(MetadataSession session, RepositoryKey repository, Tag tag, Deletion deletion, long nowMs) =>
        Repositories.Find(session, repository) is { } id
        && Trash.AddTag(session, new Located<Tag>(repository, id, tag), deletion, nowMs);

    /// <returns>Those tags of a put that must not move, and would.</returns>
    public static IReadOnlyList<Tag> FindImmovable(MetadataSession session, ManifestPut put) => put.IsImmutable is not { } isImmutable
        ? []
        : [.. put.Tags.Where(tag => isImmutable(tag) && Manifests.Find(session, put.Repository, tag) is { } now && now.Digest != put.Digest)];

    /// <summary>Points the tag at the manifest. The one that it pointed at before stays, untagged if this was its last tag.</summary>
    /// <param name="pushedMs">When it was pushed to where it is imported from; null: a client put it, now.</param>
    internal static void Put(MetadataSession session, Located<Tag> tag, long manifestId, Digest digest, long nowMs, long? pushedMs = null)
    {
        const string Find = "SELECT manifest_id FROM tags WHERE repository_id = @repository AND name = @tag";
        const string Sql = """
            INSERT INTO tags (repository_id, name, manifest_id, created_at, updated_at, pushed_at, imported)
            VALUES (@repository, @tag, @manifest, @pushed, @pushed, @pushed, @imported)
            ON CONFLICT (repository_id, name) DO UPDATE SET manifest_id = excluded.manifest_id, pushed_at = excluded.pushed_at, imported = excluded.imported,
              updated_at = CASE WHEN tags.manifest_id = excluded.manifest_id THEN tags.updated_at ELSE excluded.updated_at END
            """;
        var before = session.Prepare(Find).Set("@repository", tag.RepositoryId).Set("@tag", tag.Item.ToString()).QueryLong();
        session.Prepare(Sql)
            .Set("@repository", tag.RepositoryId).Set("@tag", tag.Item.ToString()).Set("@manifest", manifestId)
            .Set("@pushed", Math.Min(pushedMs ?? nowMs, nowMs)).Set("@imported", pushedMs is null ? 0 : 1).Execute();
        if (before is { } other && other != manifestId && Manifests.NoteUntagged(session, other, nowMs))
            Reviews.ForgetManifest(session, other);
        session.Prepare("UPDATE manifests SET untagged_at = NULL WHERE id = @manifest AND untagged_at IS NOT NULL").Set("@manifest", manifestId).Execute();
        session.Record(new JournalEvent(JournalOperation.Tag, tag.Repository, digest, nowMs) { Tag = tag.Item, PushedMs = pushedMs });
    }

    /// <summary>The tag as an import finds it; null if there is none.</summary>
    internal static TagRow? Find(MetadataSession session, RepositoryKey repository, Tag tag)
    {
        const string Sql = """
            SELECT b.digest, t.pushed_at, t.imported FROM repositories r
            JOIN tags t ON t.repository_id = r.id AND t.name = @tag
            JOIN manifests m ON m.id = t.manifest_id
            JOIN blobs b ON b.id = m.blob_id
            WHERE r.registry_id = @registry AND r.name = @repository
            """;
        using var rows = session.Prepare(Sql).Set(repository).Set("@tag", tag.ToString()).Query();
        return rows.Read() ? new TagRow(rows.Digest(0), rows.Long(1), rows.Long(2) == 1) : null;
    }

    internal static IReadOnlyList<Tag> Of(MetadataSession session, long manifestId)
    {
        var tags = new List<Tag>();
        using var rows = session.Prepare("SELECT name FROM tags WHERE manifest_id = @manifest ORDER BY name").Set("@manifest", manifestId).Query();
        while (rows.Read())
            tags.Add(Tag.Parse(rows.Text(0)));
        return tags;
    }
}

/// <param name="IsImported">Was it an import that put it there last, and no client?</param>
internal readonly record struct TagRow(Digest Digest, long PushedMs, bool IsImported);
