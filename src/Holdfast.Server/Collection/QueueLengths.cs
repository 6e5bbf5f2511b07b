using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Collection;

/// <summary>How much waits.</summary>
public sealed record QueueLengths(long Trash, long Manifests, long Links, long Blobs)
{
    /// <param name="times">Count only what is due then; null: everything.</param>
    internal static QueueLengths Read(MetadataSession session, CollectionTimes? times)
    {
        var trashDue = times?.TrashDueMs ?? long.MaxValue;
        var reviewsDue = times?.Reviews.DueMs ?? long.MaxValue;
        return new QueueLengths(
            session.Prepare("SELECT COUNT(*) FROM trash WHERE deleted_at <= @due").Set("@due", trashDue).QueryLong()!.Value,
            session.Prepare("SELECT COUNT(*) FROM manifest_reviews WHERE queued_at <= @due").Set("@due", reviewsDue).QueryLong()!.Value,
            session.Prepare("SELECT COUNT(*) FROM link_reviews WHERE queued_at <= @due").Set("@due", reviewsDue).QueryLong()!.Value,
            session.Prepare("SELECT COUNT(*) FROM blob_reviews WHERE queued_at <= @due").Set("@due", reviewsDue).QueryLong()!.Value);
    }
}
