using Holdfast.Oci;

namespace Holdfast.Storage.Metadata;

/// <summary>One row of the trash as the statements that end it need it.</summary>
/// <param name="ManifestId">Of a tag or manifest, else 0.</param>
/// <param name="BlobId">Of a link, else 0.</param>
/// <param name="Tag">Of a tag, else null.</param>
internal sealed record TrashRow(
    long Id, TrashKind Kind, RepositoryKey Repository, long RepositoryId, long ManifestId, long BlobId, string? Tag, Deletion Deletion)
{
    public static TrashRow? Find(MetadataSession session, long trashId)
    {
        const string Sql = """
            SELECT t.id, t.kind, r.registry_id, r.name, t.repository_id, COALESCE(t.manifest_id, 0), COALESCE(t.blob_id, 0), t.tag,
              t.operation, t.cause, t.actor, t.run
            FROM trash t
            JOIN repositories r ON r.id = t.repository_id
            WHERE t.id = @id
            """;
        using var rows = session.Prepare(Sql).Set("@id", trashId).Query();
        return rows.Read() ? Read(rows) : null;
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
