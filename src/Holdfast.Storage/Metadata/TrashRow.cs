using Holdfast.Oci;

namespace Holdfast.Storage.Metadata;

/// <summary>One row of the trash as the statements that end it need it.</summary>
/// <param name="ManifestId">Of a tag or manifest, else 0.</param>
/// <param name="BlobId">Of a link, else 0.</param>
/// <param name="Tag">Of a tag, else null.</param>
internal sealed record TrashRow(
    long Id, TrashKind Kind, RepositoryKey Repository, long RepositoryId, long ManifestId, long BlobId, string? Tag, Deletion Deletion)
{
    private const string Columns = """
        SELECT t.id, t.kind, r.registry_id, r.name, t.repository_id, COALESCE(t.manifest_id, 0), COALESCE(t.blob_id, 0), t.tag,
          t.operation, t.cause, t.actor, t.run
        FROM trash t
        JOIN repositories r ON r.id = t.repository_id
        """ + " ";

    public static TrashRow? Find(MetadataSession session, long trashId) =>
        First(session.Prepare(Columns + "WHERE t.id = @id").Set("@id", trashId));

    /// <summary>The row of a manifest that is in the trash.</summary>
    public static TrashRow? FindManifest(MetadataSession session, long manifestId) =>
        First(session.Prepare(Columns + "WHERE t.manifest_id = @manifest AND t.kind = 2").Set("@manifest", manifestId));

    /// <summary>The tags that the delete of a manifest took along.</summary>
    public static IReadOnlyList<TrashRow> ListTags(MetadataSession session, TrashRow manifest) => All(
        session.Prepare(Columns + "WHERE t.manifest_id = @manifest AND t.kind = 1 AND t.operation = @operation ORDER BY t.id")
            .Set("@manifest", manifest.ManifestId).Set("@operation", manifest.Deletion.Operation));

    /// <summary>
    /// The links that a manifest in the trash needs and clients don't see. One that aged out of the trash before the manifest has no row there any more;
    /// its id is 0, and the delete is the manifest's.
    /// </summary>
    public static IReadOnlyList<TrashRow> ListLinks(MetadataSession session, TrashRow manifest)
    {
        const string Sql = """
            SELECT DISTINCT l.blob_id, COALESCE(t.id, 0) FROM manifest_blobs e
            JOIN links l ON l.repository_id = e.repository_id AND l.blob_id = e.blob_id AND l.trashed_at IS NOT NULL
            LEFT JOIN trash t ON t.repository_id = l.repository_id AND t.blob_id = l.blob_id AND t.blob_id IS NOT NULL
            WHERE e.manifest_id = @manifest
            """;
        var links = new List<TrashRow>();
        using var rows = session.Prepare(Sql).Set("@manifest", manifest.ManifestId).Query();
        while (rows.Read())
            links.Add(manifest with { Id = rows.Long(1), Kind = TrashKind.Link, ManifestId = 0, BlobId = rows.Long(0) });
        return links;
    }

    private static TrashRow? First(Statement statement) => All(statement) is [var first, ..] ? first : null;

    private static List<TrashRow> All(Statement statement)
    {
        var found = new List<TrashRow>();
        using var rows = statement.Query();
        while (rows.Read())
            found.Add(Read(rows));
        return found;
    }

    private static TrashRow Read(StatementRows rows) => new(
        rows.Long(0),
        (TrashKind)rows.Long(1),
        new RepositoryKey((int)rows.Long(2), RepositoryName.Parse(rows.Text(3))),
        rows.Long(4),
        rows.Long(5),
        rows.Long(6),
        rows.TextOrNull(7),
        new Deletion(rows.Text(8), (DeletionCause)rows.Long(9), rows.Text(10), rows.TextOrNull(11)));
}
