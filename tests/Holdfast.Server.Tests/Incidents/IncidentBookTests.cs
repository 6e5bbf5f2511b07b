using Holdfast.Server.Http;
using Holdfast.Server.Incidents;
using Holdfast.Server.Tests.Hosting;
using Holdfast.Server.Tests.Protocol;
using Holdfast.Storage;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Metadata;
using Holdfast.Storage.Sqlite;
using Holdfast.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Incidents;

/// <summary>What is written down, and what becomes of it when it can't be.</summary>
public sealed class IncidentBookTests : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("holdfast-book-");
    private readonly ManualTime _time = new();
    private readonly FullDatabase _database;
    private readonly IncidentBook _book;

    public IncidentBookTests()
    {
        _database = new FullDatabase(SqliteMetadataDatabase.Open(Path.Combine(_folder.FullName, "holdfast.db")));
        _book = new IncidentBook(_database, _time, NullLogger<IncidentBook>.Instance);
    }

    public async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    [Fact, Promise("P8")]
    public async Task Finding_OnAFullDisk_IsCountedAtOnceAndWrittenLater()
    {
        _database.IsFull = true;
        var found = _time.GetUtcNow();
        await _book.OpenAsync(IncidentKind.DiskReserve, "disk", "no room");
        _book.Open.Of(IncidentKind.DiskReserve).ShouldBe(1);
        (await ListAsync()).ShouldBeEmpty();

        _time.Advance(TimeSpan.FromMinutes(5));
        await _book.RefreshAsync(CancellationToken.None);
        _database.IsFull = false;
        await _book.RefreshAsync(CancellationToken.None);

        (await ListAsync()).ShouldHaveSingleItem().OpenedAtMs.ShouldBe(found.ToUnixTimeMilliseconds());
        _book.Open.Of(IncidentKind.DiskReserve).ShouldBe(1);
    }

    [Fact, Promise("P8")]
    public async Task Finding_HealedWhileItCouldNotBeWritten_IsNotOpenAfterwards()
    {
        await _book.OpenAsync(IncidentKind.Certificate, "a", "bad");
        _database.IsFull = true;
        await _book.HealAsync(IncidentKind.Certificate, "a", "check");
        await _book.OpenAsync(IncidentKind.Certificate, "b", "bad");
        await _book.HealAsync(IncidentKind.Certificate, "b", "check");
        _database.IsFull = false;
        await _book.RefreshAsync(CancellationToken.None);
        (await ListAsync()).ShouldBeEmpty();
        _book.Open.Of(IncidentKind.Certificate).ShouldBe(0);
    }

    /// <summary>The disk is back: what waited is being written while the state is reported as mended.</summary>
    [Fact, Promise("P8")]
    public async Task State_MendedWhileItsFindingIsWrittenLate_IsNotOpenAfterwards()
    {
        _database.IsFull = true;
        var found = _time.GetUtcNow();
        _book.Report(IncidentKind.StoreReadOnly, "store", "nothing can be written");
        await Eventually.ShouldBeAsync(() => _book.Open.Of(IncidentKind.StoreReadOnly), 1);
        _time.Advance(TimeSpan.FromMinutes(5));
        _database.IsFull = false;
        // The first write waits, those behind it don't.
        var gate = _database.Gate = new TaskCompletionSource();
        var late = _book.RefreshAsync(CancellationToken.None);
        await Eventually.ShouldBeAsync(() => _database.Gate is null, true);
        var before = _database.Writes;
        _book.Report(IncidentKind.StoreReadOnly, "store", null);
        // A book that lets the end overtake the beginning does so within this time.
        await Task.WhenAny(Eventually.ShouldBeAsync(() => _database.Writes > before, true), Task.Delay(300, TestContext.Current.CancellationToken));
        gate.SetResult();
        await late;
        await Eventually.ShouldBeAsync(async () => (await ListAsync()).Count, 0);
        await _book.RefreshAsync(CancellationToken.None);
        (await ListAsync()).ShouldBeEmpty();
        _book.Open.Of(IncidentKind.StoreReadOnly).ShouldBe(0);
        (await HealedAsync()).ShouldHaveSingleItem().OpenedAtMs.ShouldBe(found.ToUnixTimeMilliseconds());
    }

    [Fact, Promise("P10")]
    public async Task State_ReportedAgainAndAgain_IsWrittenWhenItChanges()
    {
        for (var i = 0; i < 100; i++)
            _book.Report(IncidentKind.Certificate, "listener", "bad");
        await Eventually.ShouldBeAsync(() => _book.Open.Of(IncidentKind.Certificate), 1);
        (await ListAsync()).ShouldHaveSingleItem().Seen.ShouldBe(1);
        for (var i = 0; i < 100; i++)
            _book.Report(IncidentKind.Certificate, "listener", null);
        await Eventually.ShouldBeAsync(() => _book.Open.Of(IncidentKind.Certificate), 0);
        (await ListAsync()).ShouldBeEmpty();
        _database.Writes.ShouldBe(2);
    }

    [Fact, Promise("P8")]
    public async Task States_MoreThanAreKept_AreAllWrittenAndAllEnded()
    {
        const int Count = 1_500;
        for (var i = 0; i < Count; i++)
            _book.Report(IncidentKind.Certificate, $"listener {i}", "bad");
        await Eventually.ShouldBeAsync(() => _book.Open.Of(IncidentKind.Certificate), Count);
        for (var i = 0; i < Count; i++)
            _book.Report(IncidentKind.Certificate, $"listener {i}", null);
        await Eventually.ShouldBeAsync(() => _book.Open.Of(IncidentKind.Certificate), 0);
        // What was forgotten is a new state when it is reported again.
        _book.Report(IncidentKind.Certificate, "listener 0", "bad again");
        await Eventually.ShouldBeAsync(() => _book.Open.Of(IncidentKind.Certificate), 1);
    }

    [Fact, Promise("P8")]
    public async Task State_ThatFlapsWhileItIsWritten_EndsAsItWasReportedLast()
    {
        for (var round = 0; round < 20; round++)
        {
            for (var i = 0; i < 50; i++)
                _book.Report(IncidentKind.Certificate, "listener", i % 2 == 0 ? $"bad {i}" : null);
            _book.Report(IncidentKind.Certificate, "listener", "last");
            await Eventually.ShouldBeAsync(async () => await ListAsync() is [{ Detail: "last" }], true);
            _book.Report(IncidentKind.Certificate, "listener", null);
            await Eventually.ShouldBeAsync(() => _book.Open.Of(IncidentKind.Certificate), 0);
        }
    }

    [Fact, Promise("P10"), Promise("P8")]
    public async Task Findings_MoreThanCanBeKept_AreReportedAgainWhenTheyAreFoundAgain()
    {
        const int Count = 10_500;
        var findings = new Findings(_book, new StoreWatch(new ContentStores(new StubBlobStore(), _database), _book), _time);
        _database.IsFull = true;
        for (var i = 0; i < Count; i++)
            await findings.ReportAsync(IncidentKind.BlobMissing, $"blob {i}", "gone");
        _book.Open.Of(IncidentKind.BlobMissing).ShouldBe(10_000);
        _database.IsFull = false;
        await _book.RefreshAsync(CancellationToken.None);
        // The next sweep, a minute later.
        for (var i = 0; i < Count; i++)
            await findings.ReportAsync(IncidentKind.BlobMissing, $"blob {i}", "gone");
        _book.Open.Of(IncidentKind.BlobMissing).ShouldBe(Count);
    }

    [Fact, Promise("P8")]
    public async Task Changes_WhenTheClockJumpsBack_AreStillAfterThoseBefore()
    {
        await _book.OpenAsync(IncidentKind.UnknownFile, "a", "x");
        var cursor = await _database.ReadAsync(0, static (db, _) => Storage.Metadata.Incidents.LastChange(db), CancellationToken.None);
        _time.Advance(-TimeSpan.FromDays(1));
        await _book.OpenAsync(IncidentKind.UnknownFile, "b", "x");
        await _book.HealAsync(IncidentKind.UnknownFile, "a", "check");
        var changes = await _database.ReadAsync(cursor, static (db, cursor) => Storage.Metadata.Incidents.ListChanges(db, cursor, 10), CancellationToken.None);
        changes.Select(change => change.Subject).ShouldBe(["b", "a"]);
        changes.Select(change => change.UpdatedAtMs).ShouldBeInOrder(SortDirection.Ascending);
    }

    [Fact, Promise("P10")]
    public async Task Prune_OfHealedIncidents_KeepsOpenOnesAndTheNewest()
    {
        await _book.OpenAsync(IncidentKind.UnknownFile, "open", "x");
        for (var i = 0; i < 5; i++)
        {
            await _book.OpenAsync(IncidentKind.UnknownFile, $"healed {i}", "x");
            await _book.HealAsync(IncidentKind.UnknownFile, $"healed {i}", "check");
            _time.Advance(TimeSpan.FromDays(1));
        }
        var before = (_time.GetUtcNow() - TimeSpan.FromDays(4.5)).ToUnixTimeMilliseconds();
        (await PruneAsync(before, 100)).ShouldBe(1);
        (await PruneAsync(0, 2)).ShouldBe(2);
        var left = await _database.ReadAsync(0, static (db, _) => Storage.Metadata.Incidents.List(db, new IncidentFilter(IncidentState.All), 10), CancellationToken.None);
        left.Select(incident => incident.Subject).ShouldBe(["healed 4", "healed 3", "open"]);
    }

    [Fact, Promise("P8")]
    public async Task Check_ThatDoesNotEnd_IsOverdueUntilItDoes()
    {
        var overdue = new OverdueChecks(new ContentStores(new StubBlobStore(), _database), [new ExpectedCheck("collection", _ => TimeSpan.FromMinutes(1))], _book, new StoreTime(_time));
        await overdue.RunAsync(CancellationToken.None);
        _time.Advance(TimeSpan.FromMinutes(2.9));
        await overdue.RunAsync(CancellationToken.None);
        _book.Open.Of(IncidentKind.CheckOverdue).ShouldBe(0);
        _time.Advance(TimeSpan.FromMinutes(0.2));
        await overdue.RunAsync(CancellationToken.None);
        await Eventually.ShouldBeAsync(() => _book.Open.Of(IncidentKind.CheckOverdue), 1);

        var now = _time.GetUtcNow().ToUnixTimeMilliseconds();
        await _database.WriteAsync(now, static (db, now) =>
        {
            Checks.Put(db, new CheckRow("collection", now, now, "", ""));
            return true;
        }, CancellationToken.None);
        await overdue.RunAsync(CancellationToken.None);
        await Eventually.ShouldBeAsync(() => _book.Open.Of(IncidentKind.CheckOverdue), 0);
    }

    private ValueTask<IReadOnlyList<Incident>> ListAsync() =>
        _database.ReadAsync(0, static (db, _) => Storage.Metadata.Incidents.ListOpen(db, 100), CancellationToken.None);

    private ValueTask<IReadOnlyList<Incident>> HealedAsync() => _database.ReadAsync(
        new IncidentFilter(IncidentState.Healed), static (db, filter) => Storage.Metadata.Incidents.List(db, filter, 100), CancellationToken.None);

    private Task<int> PruneAsync(long before, int keep) =>
        _database.WriteAsync((before, keep), static (db, s) => Storage.Metadata.Incidents.Prune(db, s.before, s.keep), CancellationToken.None);

    /// <summary>A database whose disk the test fills.</summary>
    private sealed class FullDatabase(MetadataDatabase inner) : MetadataDatabase
    {
        public bool IsFull { get; set; }

        public int Writes { get; private set; }

        /// <summary>The next write waits for it.</summary>
        public TaskCompletionSource? Gate { get; set; }

        public override ValueTask<TResult> ReadAsync<TState, TResult>(
            TState state, Func<MetadataSession, TState, TResult> query, CancellationToken cancellationToken) => inner.ReadAsync(state, query, cancellationToken);

        public override async Task<TResult> WriteAsync<TState, TResult>(
            TState state, Func<MetadataSession, TState, TResult> change, CancellationToken cancellationToken)
        {
            Writes++;
            var gate = Gate;
            Gate = null;
            if (gate is not null)
                await gate.Task;
            return IsFull ? throw new StoreFullException("no room", null) : await inner.WriteAsync(state, change, cancellationToken);
        }

        public override ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
