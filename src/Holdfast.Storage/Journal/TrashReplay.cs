using Holdfast.Storage.Metadata;

namespace Holdfast.Storage.Journal;

/// <summary>The steps by which things leave the trash, each without the questions that were asked when it was decided.</summary>
internal static class TrashReplay
{
    /// <summary>A tag that was in the trash when a snapshot was written.</summary>
    public static void AddTagRow(MetadataSession session, JournalEvent done, long repositoryId, long manifestId)
    {
        const string Sql = """
            INSERT INTO trash (kind, operation, repository_id, manifest_id, tag, tag_created_at, tag_pushed_at, deleted_at, cause, actor, run)
            VALUES (1, @operation, @repository, @manifest, @tag, @created, @pushed, @now, @cause, @actor, @run)
            """;
        var deletion = done.Deletion!;
        session.Prepare(Sql)
            .Set("@operation", deletion.Operation).Set("@repository", repositoryId).Set("@manifest", manifestId).Set("@tag", done.Tag.ToString())
            .Set("@created", done.Times!.CreatedMs).Set("@pushed", done.Times.UpdatedMs).Set("@now", done.AtMs)
            .Set("@cause", (long)deletion.Cause).Set("@actor", deletion.Actor).Set("@run", deletion.Run).Execute();
    }

    public static void RestoreManifest(MetadataSession session, long manifestId, long nowMs)
    {
        session.Prepare("UPDATE manifests SET trashed_at = NULL, untagged_at = @now WHERE id = @manifest")
            .Set("@manifest", manifestId).Set("@now", nowMs).Execute();
        Reviews.ForgetManifest(session, manifestId);
        Trash.ForgetManifest(session, manifestId);
    }

    /// <summary>A link leaves the trash: to be seen again, to be hidden without a way back, or with its row.</summary>
    public static void EndLink(MetadataSession session, long repositoryId, long blobId, JournalEvent done)
    {
        const string Show = "UPDATE links SET trashed_at = NULL WHERE repository_id = @repository AND blob_id = @blob";
        const string EndLease = "DELETE FROM leases WHERE repository_id = @repository AND blob_id = @blob";
        const string Remove = "DELETE FROM links WHERE repository_id = @repository AND blob_id = @blob";
        Trash.ForgetLink(session, repositoryId, blobId);
        if (done.Operation == JournalOperation.PurgeLink)
        {
            session.Prepare(EndLease).Set("@repository", repositoryId).Set("@blob", blobId).Execute();
            session.Prepare(Remove).Set("@repository", repositoryId).Set("@blob", blobId).Execute();
            Reviews.QueueBlob(session, blobId, done.AtMs);
            return;
        }
        if (done.Operation == JournalOperation.RestoreLink)
        {
            session.Prepare(Show).Set("@repository", repositoryId).Set("@blob", blobId).Execute();
            Leases.Take(session, repositoryId, blobId, done.AtMs);
        }
        Reviews.QueueLink(session, repositoryId, blobId, done.AtMs);
    }

    /// <summary>A tag leaves the trash: back to where it was, or for good.</summary>
    public static void EndTag(MetadataSession session, long manifestId, JournalEvent done)
    {
        const string Find = """
            SELECT id FROM trash
            WHERE kind = 1 AND manifest_id = @manifest AND tag = @tag AND (@operation IS NULL OR operation = @operation)
            ORDER BY id LIMIT 1
            """;
        const string PutBack = """
            INSERT INTO tags (repository_id, name, manifest_id, created_at, updated_at, pushed_at)
            SELECT t.repository_id, t.tag, t.manifest_id, t.tag_created_at, t.tag_pushed_at, t.tag_pushed_at FROM trash t WHERE t.id = @id
            """;
        if (session.Prepare(Find)
            .Set("@manifest", manifestId).Set("@tag", done.Tag.ToString()).Set("@operation", done.Deletion?.Operation).QueryLong() is not { } id)
            return;
        if (done.Operation == JournalOperation.RestoreTag)
        {
            session.Prepare(PutBack).Set("@id", id).Execute();
            session.Prepare("UPDATE manifests SET untagged_at = NULL WHERE id = @manifest").Set("@manifest", manifestId).Execute();
        }
        session.Prepare("DELETE FROM trash WHERE id = @id").Set("@id", id).Execute();
    }

    public static void PurgeManifest(MetadataSession session, long manifestId, long nowMs)
    {
        var blobId = session.Prepare("SELECT blob_id FROM manifests WHERE id = @manifest").Set("@manifest", manifestId).QueryLong()!.Value;
        Reviews.QueueLinksOf(session, manifestId, nowMs);
        Reviews.QueueBlob(session, blobId, nowMs);
        session.Prepare("DELETE FROM trash WHERE manifest_id = @manifest").Set("@manifest", manifestId).Execute();
        session.Prepare("DELETE FROM manifests WHERE id = @manifest").Set("@manifest", manifestId).Execute();
    }
}
