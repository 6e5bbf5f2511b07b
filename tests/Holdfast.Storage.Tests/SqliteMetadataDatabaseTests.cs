using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Holdfast.Storage.Contract;
using Holdfast.Storage.Metadata;
using Holdfast.Storage.Sqlite;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Storage.Tests;

public sealed class SqliteMetadataDatabaseTests : MetadataDatabaseContract
{
    private readonly TemporaryFolder _temporary = new();

    private string DatabaseFile => Path.Combine(_temporary.Path, "holdfast.db");

    protected override MetadataDatabase Open() => SqliteMetadataDatabase.Open(DatabaseFile);

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _temporary.Dispose();
    }

    [Fact]
    public void Open_NewFile_IsForItsOwnerOnlyAndSoIsItsLog()
    {
        foreach (var file in Directory.GetFiles(_temporary.Path, "holdfast.db*"))
            File.GetUnixFileMode(file).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite, file);
        File.Exists(DatabaseFile + "-wal").ShouldBeTrue();
    }

    [Fact, Promise("P1")]
    public void OpenWriter_WithoutAWriteAheadLog_IsRefused() =>
        Should.Throw<IOException>(() => SqliteConnections.OpenWriter(":memory:")).Message.ShouldContain("journal_mode");

    [Fact]
    public async Task Open_WrittenByALaterProgram_IsRefused()
    {
        await ChangeAsync(session => session.Execute("INSERT INTO schema_version (version) VALUES (999)"));
        await Database.DisposeAsync();
        var refused = Should.Throw<SchemaTooNewException>(() => Open());
        refused.Message.ShouldContain("999");
    }

    [Fact, Promise("P10")]
    public async Task Write_WhileThereIsAlwaysAReader_KeepsTheLogBounded()
    {
        const int MaxFrames = 2_500;
        var file = Path.Combine(_temporary.Path, "bounded.db");
        await using var writer = new GroupCommit(() => SqliteConnections.OpenWriter(file), maxLogFrames: MaxFrames);
        await writer.RunAsync(0, static (session, _) => Execute(session, "CREATE TABLE t (x BLOB)"), CancellationToken.None);
        using var stop = new CancellationTokenSource();
        var reading = new Thread(() => ReadWithoutAGap(file, stop.Token));
        reading.Start();
        // Some three pages each: several times what the log may hold, also where a reader that isn't given the processor for a while makes the writer try again later.
        for (var i = 0; i < 5_000; i++)
            await writer.RunAsync(0, static (session, _) => Execute(session, "INSERT INTO t VALUES (zeroblob(8000))"), CancellationToken.None);
        await stop.CancelAsync();
        reading.Join();
        new FileInfo(file + "-wal").Length.ShouldBeLessThan(4L * MaxFrames * 4120);
    }

    private static int Execute(MetadataSession session, string sql) => session.Prepare(sql).Execute();

    // Each reader begins before the one before it ends, and stays for some commits: so the log never gets a moment without.
    private static void ReadWithoutAGap(string file, CancellationToken stop)
    {
        var before = SqliteConnections.OpenReader(file);
        Execute(before, "BEGIN");
        before.Prepare("SELECT COUNT(*) FROM t").QueryLong();
        while (!stop.IsCancellationRequested)
        {
            var next = SqliteConnections.OpenReader(file);
            Execute(next, "BEGIN");
            next.Prepare("SELECT COUNT(*) FROM sqlite_schema").QueryLong();
            stop.WaitHandle.WaitOne(TimeSpan.FromMilliseconds(10));
            before.Dispose();
            before = next;
        }
        before.Dispose();
    }

    [Fact]
    public async Task Write_ManyAtOnce_ShareCommits()
    {
        var batches = new ConcurrentQueue<int>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument is { Meter.Name: "Holdfast.Storage", Name: "holdfast_database_batch_size" })
                self.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<int>((_, size, _, _) => batches.Enqueue(size));
        listener.Start();
        using var running = new ManualResetEventSlim();
        using var held = new ManualResetEventSlim();
        var first = ChangeAsync(_ =>
        {
            running.Set();
            held.Wait(None);
        });
        running.Wait(None);
        var rest = Enumerable.Range(0, 100).Select(i => ChangeAsync(session => Registries.Ensure(session, $"registry {i}"))).ToList();
        held.Set();
        await first;
        await Task.WhenAll(rest);
        batches.ShouldContain(100);
    }

    [Theory]
    [InlineData(Tags.PageSql)]
    [InlineData(Repositories.PageSql)]
    [InlineData(Manifests.ByTagSql)]
    [InlineData(Manifests.ByDigestSql)]
    public async Task Query_OnTheHotPath_SearchesIndexesAndNeverSorts(string sql)
    {
        var plan = await PlanAsync(sql);
        plan.ShouldNotBeEmpty();
        plan.ShouldAllBe(line => !line.Contains("TEMP B-TREE") && !line.StartsWith("SCAN"));
    }

    [Fact, Promise("P10")]
    public async Task Query_OfReferrers_SearchesIndexesAndReadsNoRowForItsSizeAlone()
    {
        var plan = await PlanAsync(Referrers.PageSql);
        plan.ShouldContain(line => line.Contains("manifests_by_subject"));
        // A subquery by itself would carry the texts of all rows.
        plan.ShouldAllBe(line => !line.StartsWith("SCAN") && !line.Contains("CO-ROUTINE") && !line.Contains("MATERIALIZE"));
    }

    private Task<List<string>> PlanAsync(string sql) => QueryAsync(session =>
    {
        using var statement = new Statement(session.Connection, "EXPLAIN QUERY PLAN " + sql);
        using var rows = statement.Query();
        var lines = new List<string>();
        while (rows.Read())
            lines.Add(rows.Text(3));
        return lines;
    });

    [Fact]
    public async Task Open_Durability_IsOn()
    {
        (await ChangeAsync(session => session.Prepare("PRAGMA synchronous").QueryLong())).ShouldBe(2);
        (await ChangeAsync(session => session.Prepare("PRAGMA foreign_keys").QueryLong())).ShouldBe(1);
        File.Exists(DatabaseFile + "-wal").ShouldBeTrue();
    }

    private static CancellationToken None => CancellationToken.None;
}
