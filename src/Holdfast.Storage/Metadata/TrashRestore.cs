using Holdfast.Oci;
using Holdfast.Storage.Journal;

namespace Holdfast.Storage.Metadata;

/// <summary>
/// Makes deleted things live again as they were (P7). What is restored is first planned, by reading alone, so that a dry run answers exactly what a real
/// one would do; each thing that becomes live is an event of the journal.
/// </summary>
public static class TrashRestore
{
    /// <summary>What restoring rows of the trash would do.</summary>
    /// <param name="ids">Of rows; those of one delete before those of an older one, as <see cref="Trash.ListIds"/> gives them.</param>
    public static IReadOnlyList<RestoredThing> Plan(MetadataSession session, IReadOnlyList<long> ids, RestoreTerms terms) =>
        [.. RestorePlan.Make(session, ids, terms).Select(step => step.Thing)];

    /// <summary>Restores rows of the trash: each with all that it needs, a manifest with its tags of the same delete.</summary>
    /// <returns>Everything that became live, and what could not and why.</returns>
    public static IReadOnlyList<RestoredThing> Apply(MetadataSession session, IReadOnlyList<long> ids, RestoreTerms terms, long nowMs)
    {
        var steps = RestorePlan.Make(session, ids, terms);
        foreach (var step in steps)
            Apply(session, step, terms, nowMs);
        return [.. steps.Select(step => step.Thing)];
    }

    private static void Apply(MetadataSession session, RestoreStep step, RestoreTerms terms, long nowMs)
    {
        var (row, thing) = (step.Row, step.Thing);
        switch (thing.Outcome)
        {
            case RestoreOutcome.Unknown or RestoreOutcome.TagMoved:
                break;
            case RestoreOutcome.AlreadyThere:
                EndTag(session, row!, thing.Digest, nowMs);
                break;
            case RestoreOutcome.Restored when thing.Kind == TrashKind.Manifest:
                ShowManifest(session, row!, thing.Digest, nowMs);
                break;
            case RestoreOutcome.Restored when thing.Kind == TrashKind.Link:
                ShowLink(session, row!, thing.Digest, nowMs);
                break;
            default:
                PutTag(session, row!, thing, terms, nowMs);
                break;
        }
    }

    // Whoever restores wants it: a review that the delete has queued would take it away again.
    private static void ShowManifest(MetadataSession session, TrashRow row, Digest digest, long nowMs)
    {
        const string Show = "UPDATE manifests SET trashed_at = NULL, untagged_at = @now WHERE id = @manifest";
        session.Prepare(Show).Set("@manifest", row.ManifestId).Set("@now", nowMs).Execute();
        Reviews.ForgetManifest(session, row.ManifestId);
        Trash.ForgetManifest(session, row.ManifestId);
        session.Record(new JournalEvent(JournalOperation.RestoreManifest, row.Repository, digest, nowMs) { Deletion = row.Deletion });
    }

    // One that no manifest uses is like one that was just uploaded: it waits for its manifest for a while.
    private static void ShowLink(MetadataSession session, TrashRow row, Digest digest, long nowMs)
    {
        const string Show = "UPDATE links SET trashed_at = NULL WHERE repository_id = @repository AND blob_id = @blob";
        session.Prepare(Show).Set("@repository", row.RepositoryId).Set("@blob", row.BlobId).Execute();
        Trash.ForgetLink(session, row.RepositoryId, row.BlobId);
        Leases.Take(session, row.RepositoryId, row.BlobId, nowMs);
        Reviews.QueueLink(session, row.RepositoryId, row.BlobId, nowMs);
        session.Record(new JournalEvent(JournalOperation.RestoreLink, row.Repository, digest, nowMs) { Deletion = row.Deletion });
    }

    private static void PutTag(MetadataSession session, TrashRow row, RestoredThing thing, RestoreTerms terms, long nowMs)
    {
        const string PutBack = """
            INSERT INTO tags (repository_id, name, manifest_id, created_at, updated_at, pushed_at)
            SELECT t.repository_id, t.tag, t.manifest_id, t.tag_created_at, t.tag_pushed_at, t.tag_pushed_at FROM trash t WHERE t.id = @id
            """;
        var tag = new Located<Tag>(row.Repository, row.RepositoryId, thing.Tag!.Value);
        // The one that stands there now can be undone as well.
        if (thing.Present is not null)
            Trash.AddTag(session, tag, terms.Replacing!, nowMs);
        if (terms.To is not null)
        {
            Tags.Put(session, tag, row.ManifestId, thing.Digest, nowMs);
            EndTag(session, row, thing.Digest, nowMs);
            return;
        }
        session.Prepare(PutBack).Set("@id", row.Id).Execute();
        session.Prepare("DELETE FROM trash WHERE id = @id").Set("@id", row.Id).Execute();
        session.Prepare("UPDATE manifests SET untagged_at = NULL WHERE id = @manifest").Set("@manifest", row.ManifestId).Execute();
        session.Record(new JournalEvent(JournalOperation.RestoreTag, row.Repository, thing.Digest, nowMs) { Tag = tag.Item, Deletion = row.Deletion });
    }

    // The row has done its work without a tag coming back under its name: nothing is left to restore.
    private static void EndTag(MetadataSession session, TrashRow row, Digest digest, long nowMs)
    {
        session.Prepare("DELETE FROM trash WHERE id = @id").Set("@id", row.Id).Execute();
        session.Record(new JournalEvent(JournalOperation.PurgeTag, row.Repository, digest, nowMs) { Tag = Tag.Parse(row.Tag!), Deletion = row.Deletion });
    }
}

/// <summary>What to do about a tag that points elsewhere by now.</summary>
/// <param name="To">The tag is put back under this name instead; null: under its own.</param>
/// <param name="Replacing">If not null, the tag that stands there goes to the trash, as this delete; else it stays, and the restore of this tag doesn't happen.</param>
/// <param name="Settled">Tags that stay even so: an earlier part of the same restore has put them back, from a later delete.</param>
public sealed record RestoreTerms(Tag? To = null, Deletion? Replacing = null, IReadOnlySet<(RepositoryKey Repository, Tag Tag)>? Settled = null)
{
    /// <summary>Which tags of a repository are replaced in no case; null: none.</summary>
    public Func<RepositoryKey, Func<Tag, bool>?>? ImmutableTags { get; init; }
}

public enum RestoreOutcome
{
    Restored,

    /// <summary>The tag is there and points at the same manifest.</summary>
    AlreadyThere,

    /// <summary>The tag points at another manifest by now.</summary>
    TagMoved,

    /// <summary>It isn't in the trash any more.</summary>
    Unknown,
}

/// <summary>One thing that a restore made live, or couldn't.</summary>
/// <param name="Id">Its row in the trash; 0 of a link that has left it before the manifest that needs it.</param>
/// <param name="Tag">Of a tag, the name under which it is put back.</param>
/// <param name="Present">Of a tag, what stands there instead: replaced by it if it is restored.</param>
public sealed record RestoredThing(
    long Id, TrashKind Kind, RestoreOutcome Outcome, RepositoryKey Repository, Digest Digest, Tag? Tag = null, Digest? Present = null);
