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

    /// <summary>The links in the trash that a manifest needs.</summary>
    public static IReadOnlyList<TrashRow> ListLinks(MetadataSession session, long manifestId) => All(
        session.Prepare(Columns + """
            JOIN manifest_blobs e ON e.repository_id = t.repository_id AND e.blob_id = t.blob_id
            WHERE e.manifest_id = @manifest AND t.blob_id IS NOT NULL
            """).Set("@manifest", manifestId));

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
