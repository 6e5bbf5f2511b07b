using FsCheck;
using FsCheck.Fluent;
using Holdfast.Storage.Metadata;
using Holdfast.Storage.Sqlite;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Storage.Tests;

/// <summary>The store's time on clocks that are wrong, with a real database that remembers it.</summary>
public sealed class StoreTimeTests : IAsyncDisposable
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    private readonly TemporaryFolder _folder = new();
    private readonly SqliteMetadataDatabase _database;
    private readonly Clocks _clocks = new();

    public StoreTimeTests() => _database = SqliteMetadataDatabase.Open(Path.Combine(_folder.Path, "holdfast.db"));

    [Fact]
    public async Task Time_OfARightClock_IsThatClocksAndLeapsNever()
    {
        var time = await StartAsync();
        for (var minute = 0; minute < 3 * 24 * 60; minute++)
        {
            _clocks.Pass(Minute + TimeSpan.FromMilliseconds(500)); // A monotonic clock that runs a little slow.
            _clocks.Set(TimeSpan.FromMilliseconds(1));
            await time.SaveAsync(_database, CancellationToken.None);
        }
        time.GetUtcNow().ShouldBe(_clocks.Wall);
        time.Look().Leaps.List.ShouldBeEmpty();
        time.Ahead.ShouldBe(TimeSpan.Zero);
        _clocks.Pass(23 * Hour);
        (await StartAsync()).Look().Leaps.List.ShouldBeEmpty("an ordinary restart");
    }

    [Fact]
    public async Task Time_SetBackADay_GoesOnAsIfItHadNotBeen()
    {
        var time = await StartAsync();
        _clocks.Pass(2 * Hour);
        var before = time.GetUtcNow();
        _clocks.Set(-Day);
        time.GetUtcNow().ShouldBe(before);
        time.Ahead.ShouldBe(Day);
        _clocks.Pass(Hour);
        time.GetUtcNow().ShouldBe(before + Hour);
        await time.SaveAsync(_database, CancellationToken.None);
        (await StartAsync()).GetUtcNow().ShouldBe(before + Hour, "nor does a restart");
        _clocks.Set(Day);
        time.Ahead.ShouldBe(TimeSpan.Zero);
        time.Look().Leaps.List.ShouldBeEmpty();
    }

    [Fact, Promise("P7")]
    public async Task Age_WhenTheClockJumpsTenYears_IsWhatHasPassed()
    {
        var time = await StartAsync();
        var old = time.Look().NowMs;
        _clocks.Pass(2 * Day);
        _clocks.Set(3650 * Day);
        time.Look().AgoMs(2 * Day).ShouldBe(old);
        time.Look().AgoMs((2 * Day) + Minute).ShouldBeLessThan(old, "not older than it is");
        var young = time.Look().NowMs;
        _clocks.Pass(5 * Day);
        (time.Look().AgoMs(7 * Day), time.Look().AgoMs(5 * Day)).ShouldBe((old, young));
        time.Look().AfterMs(old, 7 * Day).ShouldBe(time.Look().NowMs);
        await time.SaveAsync(_database, CancellationToken.None);
        _clocks.Set(-3650 * Day);
        var again = await StartAsync();
        (again.Look().AgoMs(7 * Day), again.Look().AgoMs(5 * Day)).ShouldBe((old, young), "the leap outlives a restart");
        again.GetUtcNow().ShouldBe(time.GetUtcNow(), "and what was dated meanwhile is not after what is dated now");
    }

    [Fact, Promise("P7")]
    public async Task Age_AcrossThreeWeeksOff_DoesNotCountThem()
    {
        var time = await StartAsync();
        var deleted = time.Look().NowMs;
        _clocks.Pass(Day);
        await time.SaveAsync(_database, CancellationToken.None);
        _clocks.Pass(21 * Day);
        time = await StartAsync();
        time.GetUtcNow().ShouldBe(_clocks.Wall);
        time.Look().AgoMs(Day).ShouldBe(deleted);
        time.Look().AgoMs(Day + Minute).ShouldBeLessThan(deleted);
        _clocks.Pass(6 * Day);
        time.Look().AgoMs(7 * Day).ShouldBe(deleted);
    }

    [Fact, Promise("P7")]
    public async Task Start_ByAClockFiveYearsBehind_DatesNothingThereAndAgesByWhatPasses()
    {
        var time = await StartAsync();
        _clocks.Pass(Day);
        await time.SaveAsync(_database, CancellationToken.None);
        var seen = time.Look().NowMs;
        _clocks.Set(-5 * 365 * Day);
        time = await StartAsync();
        time.Look().NowMs.ShouldBe(seen);
        _clocks.Pass(Hour);
        var deleted = time.Look().NowMs;
        deleted.ShouldBe(seen + (long)Hour.TotalMilliseconds);
        _clocks.Set((5 * 365 * Day) + (30 * Day)); // Set right: the machine was off for a month.
        time.GetUtcNow().ShouldBe(_clocks.Wall);
        time.Look().AgoMs(Minute).ShouldBeLessThan(deleted, "it was deleted just now");
        _clocks.Pass(7 * Day);
        time.Look().AgoMs(7 * Day).ShouldBeGreaterThanOrEqualTo(deleted);
        time.Look().AgoMs((7 * Day) + Minute).ShouldBeLessThan(deleted);
    }

    // What comes in between the start and the clock's being set right is not older by the night that was before.
    [Fact, Promise("P3")]
    public async Task Start_ByAClockThatStoodStillOverNight_CountsTheNightForNoAge()
    {
        var time = await StartAsync();
        await time.SaveAsync(_database, CancellationToken.None);
        _clocks.Pass(Minute);
        _clocks.Set(-Hour);
        time = await StartAsync();
        var uploaded = time.Look().NowMs;
        _clocks.Pass(Minute);
        _clocks.Set(Hour + (10 * Hour));
        time.GetUtcNow().ShouldBe(_clocks.Wall);
        time.Look().AgoMs(Minute).ShouldBe(uploaded);
    }

    [Fact]
    public async Task Start_AfterAKillSinceTheLastNote_IsNotBeforeTheLastDelete()
    {
        var time = await StartAsync();
        await DateAsync(time.Look().NowMs + 5000);
        var dated = time.Look().NowMs + 5000;
        _clocks.Set(-Day);
        (await StartAsync()).Look().NowMs.ShouldBe(dated);
    }

    [Theory, Promise("P7")]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Start_AfterAKillRightAfterALeap_StillCountsItForNoAge(bool clockIsRightAgain)
    {
        var time = await StartAsync();
        var before = time.Look().NowMs;
        _clocks.Set(365 * Day);
        await DateAsync(time.Look().NowMs);
        if (clockIsRightAgain)
            _clocks.Set(-365 * Day);
        time = await StartAsync();
        _clocks.Pass(Hour);
        time.Look().AgoMs(2 * Hour).ShouldBeLessThan(before);
        time.Look().AgoMs(Hour).ShouldBeGreaterThan(before);
    }

    // Else they would be held for as long as the clock was ahead.
    [Fact]
    public async Task Start_AfterAKillRightAfterALeap_TakesBackLeasesAndReviewsOfTheFuture()
    {
        var time = await StartAsync();
        await time.SaveAsync(_database, CancellationToken.None);
        var ahead = time.Look().NowMs + (long)(365 * Day).TotalMilliseconds;
        await _database.WriteAsync(
            ahead,
            static (db, ahead) =>
            {
                var key = new RepositoryKey(Registries.Ensure(db, "test"), Oci.RepositoryName.Parse("app"));
                BlobLinks.Add(db, key, new StoredBlob(Oci.Digest.Compute(Oci.DigestAlgorithm.Sha256, new byte[10]), 10, 1), 1);
                db.Prepare("UPDATE link_reviews SET queued_at = @ahead").Set("@ahead", ahead).Execute().ShouldBe(1);
                db.Prepare("UPDATE leases SET taken_at = @ahead").Set("@ahead", ahead).Execute().ShouldBe(1);
                return true;
            },
            CancellationToken.None);
        var now = (await StartAsync()).Look().NowMs;
        now.ShouldBeLessThan(ahead);
        (await LatestAsync("link_reviews", "queued_at"), await LatestAsync("leases", "taken_at")).ShouldBe((now, now));
    }

    private ValueTask<long?> LatestAsync(string table, string column) => _database.ReadAsync(
        $"SELECT MAX({column}) FROM {table}", static (db, sql) => db.Prepare(sql).QueryLong(), CancellationToken.None);

    [Fact, Promise("P7")]
    public async Task Start_AfterAReviewWasPutOffByALease_IsNotAhead()
    {
        var time = await StartAsync();
        var now = time.Look().NowMs;
        await _database.WriteAsync(
            now + (long)Hour.TotalMilliseconds,
            static (db, later) =>
            {
                var registry = Registries.Ensure(db, "test");
                var key = new RepositoryKey(registry, Oci.RepositoryName.Parse("app"));
                var bytes = new byte[10];
                BlobLinks.Add(db, key, new StoredBlob(Oci.Digest.Compute(Oci.DigestAlgorithm.Sha256, bytes), bytes.Length, 1), 1);
                db.Prepare("UPDATE link_reviews SET queued_at = @later").Set("@later", later).Execute().ShouldBe(1);
                return true;
            },
            CancellationToken.None);
        (await StartAsync()).Look().NowMs.ShouldBe(now);
    }

    [Fact, Promise("P10")]
    public void Leaps_BeyondTheBound_AreJoinedSoThatAgesAreOnlyShorter()
    {
        var time = new StoreTime(_clocks);
        var start = time.Look().NowMs;
        for (var i = 0; i < 1000; i++)
        {
            _clocks.Pass(Hour);
            _clocks.Set(2 * Hour);
            time.Look();
        }
        time.Look().Leaps.List.Count.ShouldBe(100);
        time.Look().AgoMs(99 * Hour).ShouldBe(time.Look().Leaps.List[0].ToMs);
        time.Look().AgoMs(100 * Hour).ShouldBe(start, "the first hour counts, and those between the joined ones don't");
    }

    [Fact]
    public void AgoAndAfter_WithAnyLeaps_AreEachOthersInverse() => Prop.ForAll(
        Gen.Choose(1, 50).Four().ListOf().Select(list => list.Select(t => (t.Item1, t.Item2)).ToList()).ToArbitrary(),
        Gen.Choose(0, 500).ToArbitrary(),
        (spans, age) =>
        {
            var (at, leaps) = (1000L, ClockLeaps.None);
            foreach (var (lived, leapt) in spans)
            {
                leaps = leaps.With(new ClockLeap(at + lived, at + lived + leapt));
                at += lived + leapt;
            }
            var now = new StoreMoment(at + 10, leaps);
            var ago = now.AgoMs(TimeSpan.FromMilliseconds(age));
            var livedSince = now.NowMs - ago - leaps.List.Where(leap => leap.FromMs >= ago).Sum(leap => leap.ToMs - leap.FromMs);
            return livedSince == age && (now.AfterMs(ago, TimeSpan.FromMilliseconds(age)) is var after && (after == now.NowMs || leaps.List.Any(leap => leap.FromMs == after && leap.ToMs == now.NowMs)));
        }).QuickCheckThrowOnFailure();

    public async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        _folder.Dispose();
    }

    private Task<StoreTime> StartAsync() => StoreTime.OpenAsync(_database, _clocks, CancellationToken.None);

    /// <summary>A wall clock and a monotonic one.</summary>
    private sealed class Clocks : TimeProvider
    {
        private long _passed;

        public DateTimeOffset Wall { get; private set; } = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override DateTimeOffset GetUtcNow() => Wall;

        public override long GetTimestamp() => _passed;

        public void Pass(TimeSpan by)
        {
            _passed += by.Ticks;
            Wall += by;
        }

        public void Set(TimeSpan by) => Wall += by;
    }

    private Task<bool> DateAsync(long atMs) => _database.WriteAsync(
        atMs,
        static (db, at) =>
        {
            var registry = Registries.Ensure(db, "test");
            Uploads.Add(db, new UploadRow(Guid.NewGuid(), new RepositoryKey(registry, Oci.RepositoryName.Parse("app")), Oci.DigestAlgorithm.Sha256, DateTimeOffset.FromUnixTimeMilliseconds(at)));
            return true;
        },
        CancellationToken.None);
}
