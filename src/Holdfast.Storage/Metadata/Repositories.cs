namespace Holdfast.Storage.Metadata;

/// <summary>The repositories of a registry.</summary>
public static class Repositories
{
    internal const string PageSql = """
        SELECT r.name FROM repositories r
        WHERE r.registry_id = @registry AND r.name > @last
          AND EXISTS (SELECT 1 FROM manifests m WHERE m.repository_id = r.id AND m.trashed_at IS NULL)
        ORDER BY r.name
        LIMIT @limit
        """;

    public static long? Find(MetadataSession session, RepositoryKey repository) => session
        .Prepare("SELECT id FROM repositories WHERE registry_id = @registry AND name = @repository")
        .Set(repository)
        .QueryLong();

    public static bool Exists(MetadataSession session, RepositoryKey repository) => Find(session, repository) is not null;

    internal static RepositoryKey KeyOf(MetadataSession session, long repositoryId)
    {
        using var rows = session.Prepare("SELECT registry_id, name FROM repositories WHERE id = @id").Set("@id", repositoryId).Query();
        return rows.Read()
            ? new RepositoryKey((int)rows.Long(0), Oci.RepositoryName.Parse(rows.Text(1)))
            : throw new InvalidOperationException($"no repository has the row {repositoryId} (invariant)");
    }

    /// <returns>The repository's id; it is added if it is new.</returns>
    public static long Ensure(MetadataSession session, RepositoryKey repository, long nowMs) =>
        Find(session, repository) ?? Add(session, repository, nowMs) ?? Find(session, repository)!.Value;

    /// <summary>A page of <c>_catalog</c>: the repositories that hold at least one manifest.</summary>
    /// <param name="last">The page begins after this name; null for the first page.</param>
    public static NamePage List(MetadataSession session, int registry, string? last, int limit) =>
        session.Prepare(PageSql).Set("@registry", registry).QueryNames(last, limit);

    /// <summary>Sets <c>@registry</c> and <c>@repository</c>.</summary>
    internal static Statement Set(this Statement statement, RepositoryKey repository) =>
        statement.Set("@registry", repository.Registry).Set("@repository", repository.Name.ToString());

    /// <summary>Sets <c>@last</c> and <c>@limit</c> and reads one page of names; one row more than asked for tells whether there is another page.</summary>
    internal static NamePage QueryNames(this Statement statement, string? last, int limit)
    {
        var names = new List<string>(Math.Min(limit, 1000));
        using var rows = statement.Set("@last", last ?? "").Set("@limit", limit + 1L).Query();
        while (rows.Read())
        {
            if (names.Count == limit)
                return new NamePage(names, HasMore: true);
            names.Add(rows.Text(0));
        }
        return new NamePage(names, HasMore: false);
    }

    private static long? Add(MetadataSession session, RepositoryKey repository, long nowMs)
    {
        const string Sql = """
            INSERT INTO repositories (registry_id, name, created_at) VALUES (@registry, @repository, @now)
            ON CONFLICT (registry_id, name) DO NOTHING
            RETURNING id
            """;
        if (repository.Name.IsNone)
            throw new InvalidOperationException("a repository without a name would be stored (invariant)");
        return session.Prepare(Sql).Set(repository).Set("@now", nowMs).QueryLong();
    }
}
