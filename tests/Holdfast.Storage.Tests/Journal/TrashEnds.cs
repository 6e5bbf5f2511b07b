using Holdfast.Storage.Metadata;

namespace Holdfast.Storage.Tests.Journal;

/// <summary>What operators and the collection do to the trash and to what is reviewed, without the wait.</summary>
internal static class TrashEnds
{
    public static int RestoreAny(MetadataSession session, Random random, long now) => AnyTrashed(session, random) is { } id
        ? TrashRestore.Apply(session, [id], new RestoreTerms(Replacing: random.Next(2) == 0 ? JournaledStore.Deletion(now) : null), now).Count
        : 0;

    public static int PurgeAny(MetadataSession session, Random random, long now)
    {
        if (AnyTrashed(session, random) is { } id)
            Purges.Purge(session, id, now);
        return 0;
    }

    public static int ReviewAll(MetadataSession session, long now)
    {
        var times = new ReviewTimes(now, now, 0, 0);
        foreach (var row in ManifestReviews.ListDue(session, now, QueueRow.Start, 100))
            ManifestReviews.Judge(session, row, times);
        foreach (var row in LinkReviews.ListDue(session, now, QueueRow.Start, 100))
            LinkReviews.Judge(session, row, times);
        return 0;
    }

    private static long? AnyTrashed(MetadataSession session, Random random)
    {
        var ids = new List<long>();
        using (var rows = session.Prepare("SELECT id FROM trash ORDER BY id").Query())
        {
            while (rows.Read())
                ids.Add(rows.Long(0));
        }
        return ids.Count == 0 ? null : ids[random.Next(ids.Count)];
    }
}
