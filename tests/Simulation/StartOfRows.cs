using Holdfast.Storage;
using Holdfast.Storage.Journal;
using Holdfast.Storage.Metadata;
using Holdfast.Storage.Sqlite;

namespace Simulation;

/// <summary>Brings rows and journal together, as a start does with files (<see cref="DatabaseStart"/>); a journal that can't be followed is a broken promise here.</summary>
internal static class StartOfRows
{
    private const string Store = "5107e000000000000000000000000000";

    // Small, so that a history has many.
    private const int SegmentBytes = 8 * 1024;

    /// <summary>A new store.</summary>
    public static JournalWriter Begin(World world)
    {
        new JournalPosition(Store, 0).Put(world.Session);
        // As the first start does: without a note a later one can't tell a leap from dates.
        ClockRows.Put(world.Session, world.Time.GetUtcNow().ToUnixTimeMilliseconds(), ClockLeaps.None);
        return JournalWriter.Open(world.Journal, Store, 0, null, SegmentBytes);
    }

    public static async Task<JournalWriter> RunAsync(World world)
    {
        var session = world.Session;
        world.Journal.SyncEnd();
        var position = world.HasLostRows ? null : JournalPosition.Find(session);
        var tail = position is null ? null : JournalScan.TryFindTail(world.Journal, Store, position.Sequence);
        if (tail is null)
        {
            var scan = JournalScan.Read(world.Journal);
            if (!scan.IsWhole)
                throw new BrokenPromiseException($"the journal is damaged by a crash: {string.Join("; ", scan.Damage)}");
            if (position is not null && scan.Last < position.Sequence)
                throw new BrokenPromiseException($"the journal ends at change {scan.Last}, and the database has come to {position.Sequence}");
            position = position is null ? await RebuildAsync(world, scan) : await FollowAsync(world, position, scan);
            tail = scan.Tail;
        }
        session.TakeEvents();
        return JournalWriter.Open(world.Journal, Store, position!.Sequence, tail, SegmentBytes);
    }

    private static async Task<JournalPosition> RebuildAsync(World world, JournalScan scan)
    {
        world.ClearRows();
        var report = await new Rebuild(world.Session, world.Process.Stores.Blobs, scan).RunAsync(Store, world.Process.NowMs, CancellationToken.None);
        ShouldBeTaken(report.Refused);
        world.HasLostRows = false;
        world.Trace?.Invoke($"    rebuilt from {scan.Last} changes");
        return new JournalPosition(Store, scan.Last);
    }

    private static async Task<JournalPosition> FollowAsync(World world, JournalPosition position, JournalScan scan)
    {
        if (scan.Last == position.Sequence)
            return position;
        var isCrash = DatabaseStart.IsCrashTail(position, scan);
        var rebuild = new Rebuild(world.Session, world.Process.Stores.Blobs, scan);
        await rebuild.ReplayAsync(Store, position.Sequence, CancellationToken.None);
        ShouldBeTaken(rebuild.Refused);
        if (!isCrash)
        {
            var ends = new RebuildEnd(world.Session, world.Process.Stores.Blobs);
            ends.Settle([], await ends.FindUnusedAsync(CancellationToken.None), [], world.Process.NowMs);
        }
        world.Trace?.Invoke($"    replayed {scan.Last - position.Sequence} changes{(isCrash ? "" : " onto an older copy")}");
        return position with { Sequence = scan.Last };
    }

    private static void ShouldBeTaken(IReadOnlyList<string> refused)
    {
        if (refused.Count > 0)
            throw new BrokenPromiseException($"the database refused what the journal tells: {refused[0]}");
    }
}
