using Holdfast.Oci;
using Holdfast.Storage.Journal;
using Holdfast.Storage.Metadata;

namespace Holdfast.Storage.Tests.Journal;

/// <summary>Ends the newest thing in the trash that can be, one way or the other, and records it.</summary>
internal static class TrashEnds
{
    public static int End(MetadataSession session, RepositoryKey repository, bool restore, long now)
    {
        const string Sql = """
            SELECT t.kind, t.operation, t.tag, t.manifest_id, t.repository_id, t.blob_id, b.digest FROM trash t
            LEFT JOIN manifests m ON m.id = t.manifest_id JOIN blobs b ON b.id = COALESCE(m.blob_id, t.blob_id)
            WHERE t.kind <> 1 OR NOT EXISTS (SELECT 1 FROM tags g WHERE g.repository_id = t.repository_id AND g.name = t.tag)
            ORDER BY t.id DESC LIMIT 1
            """;
        TrashKind kind;
        string operation;
        string? tag;
        long manifest, repositoryId, blob;
        Digest digest;
        using (var rows = session.Prepare(Sql).Query())
        {
            if (!rows.Read())
                return 0;
            (kind, operation, tag) = ((TrashKind)rows.Long(0), rows.Text(1), rows.TextOrNull(2));
            (manifest, repositoryId, blob, digest) = (rows.LongOrNull(3) ?? 0, rows.Long(4), rows.LongOrNull(5) ?? 0, rows.Digest(6));
        }
        var done = new JournalEvent(OperationOf(kind, restore), repository, digest, now)
        {
            Tag = tag is null ? default : Tag.Parse(tag),
            Deletion = kind == TrashKind.Tag ? new Deletion(operation, DeletionCause.Client, "ci") : null,
        };
        switch (done.Operation)
        {
            case JournalOperation.RestoreTag or JournalOperation.PurgeTag when IsTrashed(session, manifest) && restore:
                return 0;
            case JournalOperation.RestoreTag or JournalOperation.PurgeTag:
                TrashReplay.EndTag(session, manifest, done);
                break;
            case JournalOperation.RestoreManifest:
                TrashReplay.RestoreManifest(session, manifest, now);
                break;
            case JournalOperation.PurgeManifest when IsHeld(session, manifest):
                return 0;
            case JournalOperation.PurgeManifest:
                TrashReplay.PurgeManifest(session, manifest, now);
                break;
            case JournalOperation.RestoreLink:
                TrashReplay.RestoreLink(session, repositoryId, blob, now);
                break;
            case JournalOperation.PurgeLink when IsUsed(session, repositoryId, blob):
                return 0;
            default:
                TrashReplay.PurgeLink(session, repositoryId, blob, now);
                break;
        }
        session.Record(done);
        return 1;
    }

    private static JournalOperation OperationOf(TrashKind kind, bool restore) => kind switch
    {
        TrashKind.Tag => restore ? JournalOperation.RestoreTag : JournalOperation.PurgeTag,
        TrashKind.Manifest => restore ? JournalOperation.RestoreManifest : JournalOperation.PurgeManifest,
        _ => restore ? JournalOperation.RestoreLink : JournalOperation.PurgeLink,
    };

    private static bool IsTrashed(MetadataSession session, long manifest) =>
        session.Prepare("SELECT 1 FROM manifests WHERE id = @id AND trashed_at IS NOT NULL").Set("@id", manifest).QueryLong() is not null;

    private static bool IsHeld(MetadataSession session, long manifest) => session.Prepare("""
        SELECT 1 FROM manifests m WHERE m.id = @id AND (EXISTS (SELECT 1 FROM manifest_children c WHERE c.child_id = m.id)
          OR EXISTS (SELECT 1 FROM tags t WHERE t.manifest_id = m.id) OR EXISTS (SELECT 1 FROM trash t WHERE t.manifest_id = m.id AND t.kind = 1))
        """).Set("@id", manifest).QueryLong() is not null;

    private static bool IsUsed(MetadataSession session, long repository, long blob) =>
        session.Prepare("SELECT 1 FROM manifest_blobs WHERE repository_id = @repository AND blob_id = @blob")
            .Set("@repository", repository).Set("@blob", blob).QueryLong() is not null;
}
