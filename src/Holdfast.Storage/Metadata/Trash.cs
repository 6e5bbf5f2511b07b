using Holdfast.Storage.Journal;

namespace Holdfast.Storage.Metadata;

/// <summary>What was deleted and can still be restored (P7). Each statement here is one step; what calls them sees to the others.</summary>
public static partial class Trash
{
    /// <summary>Takes a tag out of the repository; its row here holds the manifest from now on.</summary>
    internal static bool AddTag(MetadataSession session, Located<Oci.Tag> tag, Deletion deletion, long nowMs)
    {
        const string Find = """
            SELECT t.manifest_id, b.digest FROM tags t
            JOIN manifests m ON m.id = t.manifest_id
            JOIN blobs b ON b.id = m.blob_id
            WHERE t.repository_id = @repository AND t.name = @tag
            """;
        const string Move = """
            INSERT INTO trash (kind, operation, repository_id, manifest_id, tag, tag_created_at, tag_pushed_at, deleted_at, cause, actor, run)
            SELECT 1, @operation, t.repository_id, t.manifest_id, t.name, t.created_at, t.pushed_at, @now, @cause, @actor, @run FROM tags t
            WHERE t.repository_id = @repository AND t.name = @tag
            """;
        const string Remove = "DELETE FROM tags WHERE repository_id = @repository AND name = @tag";
        long manifest;
        Oci.Digest digest;
        using (var rows = session.Prepare(Find).Set("@repository", tag.RepositoryId).Set("@tag", tag.Item.ToString()).Query())
        {
            if (!rows.Read())
                return false;
            (manifest, digest) = (rows.Long(0), rows.Digest(1));
        }
        session.Prepare(Move).Set(deletion, nowMs).Set("@repository", tag.RepositoryId).Set("@tag", tag.Item.ToString()).Execute();
        session.Prepare(Remove).Set("@repository", tag.RepositoryId).Set("@tag", tag.Item.ToString()).Execute();
        Manifests.NoteUntagged(session, manifest, nowMs);
        Reviews.QueueManifest(session, manifest, nowMs);
        session.Record(new JournalEvent(JournalOperation.TrashTag, tag.Repository, digest, nowMs) { Tag = tag.Item, Deletion = deletion });
        return true;
    }

    /// <summary>Hides a manifest that no tag and no live index has any more. Its edges stay, and hold what it needs.</summary>
    internal static void AddManifest(MetadataSession session, Located<long> manifest, Deletion deletion, long nowMs)
    {
        const string Add = """
            INSERT INTO trash (kind, operation, repository_id, manifest_id, deleted_at, cause, actor, run)
            VALUES (2, @operation, @repository, @manifest, @now, @cause, @actor, @run)
            """;
        const string Hide = "UPDATE manifests SET trashed_at = @now WHERE id = @manifest";
        session.Prepare(Add).Set(deletion, nowMs).Set("@repository", manifest.RepositoryId).Set("@manifest", manifest.Item).Execute();
        session.Prepare(Hide).Set("@manifest", manifest.Item).Set("@now", nowMs).Execute();
        Reviews.QueueChildrenOf(session, manifest.Item, deletion.SinceMs, nowMs);
        session.Record(new JournalEvent(
            JournalOperation.TrashManifest, manifest.Repository, Manifests.DigestOf(session, manifest.Item), nowMs)
        { Deletion = deletion });
    }

    /// <summary>Hides a blob from the repository's clients; manifests in the trash may still need it, and hold it.</summary>
    internal static void AddLink(MetadataSession session, Located<long> link, Deletion deletion, long nowMs)
    {
        const string Add = """
            INSERT INTO trash (kind, operation, repository_id, blob_id, deleted_at, cause, actor, run)
            VALUES (3, @operation, @repository, @blob, @now, @cause, @actor, @run)
            """;
        const string Hide = "UPDATE links SET trashed_at = @now WHERE repository_id = @repository AND blob_id = @blob";
        session.Prepare(Add).Set(deletion, nowMs).Set("@repository", link.RepositoryId).Set("@blob", link.Item).Execute();
        session.Prepare(Hide).Set("@repository", link.RepositoryId).Set("@blob", link.Item).Set("@now", nowMs).Execute();
        Reviews.QueueLink(session, link.RepositoryId, link.Item, nowMs);
        session.Record(new JournalEvent(JournalOperation.TrashLink, link.Repository, BlobRows.DigestOf(session, link.Item), nowMs) { Deletion = deletion });
    }

    /// <summary>A manifest that was pushed again, or restored, is in the trash no more. Tags there that point at it stay.</summary>
    internal static void ForgetManifest(MetadataSession session, long manifestId) =>
        session.Prepare("DELETE FROM trash WHERE manifest_id = @manifest AND kind = 2").Set("@manifest", manifestId).Execute();

    /// <summary>A link that was made again, or restored, is in the trash no more.</summary>
    internal static void ForgetLink(MetadataSession session, long repositoryId, long blobId) =>
        session.Prepare("DELETE FROM trash WHERE repository_id = @repository AND blob_id = @blob")
            .Set("@repository", repositoryId).Set("@blob", blobId).Execute();

    private static Statement Set(this Statement statement, Deletion deletion, long nowMs) => statement
        .Set("@operation", deletion.Operation).Set("@cause", (long)deletion.Cause)
        .Set("@actor", deletion.Actor).Set("@run", deletion.Run).Set("@now", nowMs);
}

/// <summary>Something in a repository, by both of the repository's names: the row's id for statements, the key for the journal.</summary>
internal readonly record struct Located<T>(RepositoryKey Repository, long RepositoryId, T Item);
