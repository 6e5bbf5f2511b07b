namespace Holdfast.Storage.Metadata;

/// <summary>A row of the trash or of a review queue, in the order of their time.</summary>
/// <param name="AtMs">When it was queued or deleted.</param>
/// <param name="First">The trash row's, manifest's or blob's id; a link's repository.</param>
/// <param name="Second">A link's blob; else 0.</param>
public readonly record struct QueueRow(long AtMs, long First, long Second)
{
    /// <summary>Before every row.</summary>
    public static readonly QueueRow Start = new(long.MinValue, long.MinValue, long.MinValue);
}

/// <summary>What counts as due in one run.</summary>
/// <param name="NowMs">The store's time.</param>
/// <param name="DueMs">Rows that were queued by then are due.</param>
/// <param name="GraceMs">Between a row's queueing and its being due.</param>
/// <param name="LeaseMs">How long a lease is good.</param>
public readonly record struct ReviewTimes(long NowMs, long DueMs, long GraceMs, long LeaseMs)
{
    /// <summary>What counts for no grace and no lease; null: nothing.</summary>
    public ClockLeaps? Leaps { get; init; }

    /// <summary>Until when a lease is good that was taken then.</summary>
    public long LeaseEndMs(long takenAtMs) => Moment(NowMs).AfterMs(takenAtMs, LeaseMs);

    /// <summary>When something must be queued to be due at a time.</summary>
    public long QueuedForMs(long dueAtMs) => Moment(dueAtMs).AgoMs(GraceMs);

    private StoreMoment Moment(long ms) => new(ms, Leaps ?? ClockLeaps.None);
}

public enum ReviewOutcome
{
    /// <summary>It is due no longer, or gone.</summary>
    Gone,

    /// <summary>Something holds it; there will be another review when that goes.</summary>
    Kept,

    /// <summary>A lease holds it; the review is due when that ends.</summary>
    Postponed,

    /// <summary>A manifest is in the trash now; a link is gone; of a blob, nothing holds the bytes.</summary>
    Collected,
}

internal static class QueueStatements
{
    /// <summary>Reads rows of two or three columns: the time and the ids.</summary>
    public static IReadOnlyList<QueueRow> QueryQueue(this Statement statement, bool hasSecond = false)
    {
        var queue = new List<QueueRow>();
        using var rows = statement.Query();
        while (rows.Read())
            queue.Add(new QueueRow(rows.Long(0), rows.Long(1), hasSecond ? rows.Long(2) : 0));
        return queue;
    }
}
