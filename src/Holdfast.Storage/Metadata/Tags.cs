using Holdfast.Oci;

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

    /// <summary>Deletes the tag and leaves its manifest (dist-spec v1.1.1, end-9).</summary>
    /// <returns>False if there was none.</returns>
    public static bool Delete(MetadataSession session, RepositoryKey repository, Tag tag)
    {
        const string Sql = """
            DELETE FROM tags
            WHERE repository_id = (SELECT id FROM repositories WHERE registry_id = @registry AND name = @repository) AND name = @tag
            """;
        return session.Prepare(Sql).Set(repository).Set("@tag", tag.ToString()).Execute() > 0;
    }

    /// <summary>Points the tag at the manifest; its time of change stays if it pointed there already.</summary>
    internal static void Put(MetadataSession session, long repositoryId, Tag tag, long manifestId, long nowMs)
    {
        const string Sql = """
            INSERT INTO tags (repository_id, name, manifest_id, created_at, updated_at) VALUES (@repository, @tag, @manifest, @now, @now)
            ON CONFLICT (repository_id, name) DO UPDATE SET manifest_id = excluded.manifest_id, updated_at = excluded.updated_at
              WHERE tags.manifest_id <> excluded.manifest_id
            """;
        session.Prepare(Sql).Set("@repository", repositoryId).Set("@tag", tag.ToString()).Set("@manifest", manifestId).Set("@now", nowMs).Execute();
    }
}
