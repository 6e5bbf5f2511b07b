using System.Diagnostics;
using Holdfast.Server.Collection;
using Holdfast.Storage.Metadata;
using Microsoft.Data.Sqlite;
using Shouldly;
using SQLitePCL;
using Xunit;

namespace Holdfast.Server.Tests.Collection;

/// <summary>What a run costs follows what was deleted and not what is stored. Counted in steps of the database's machine, which no fast computer hides.</summary>
public sealed class CostTests(ITestOutputHelper output)
{
    // For a measurement: HOLDFAST_COST_MANIFESTS=1000000 HOLDFAST_COST_DELETES=1000.
    private static readonly int LargeStore = FromEnvironment("HOLDFAST_COST_MANIFESTS", 100_000);
    private static readonly int Deletes = FromEnvironment("HOLDFAST_COST_DELETES", 200);

    [Fact]
    public async Task Run_InALargeStore_TakesAsManyStepsAsInASmallOne()
    {
        var small = await MeasureAsync(2_000);
        var large = await MeasureAsync(LargeStore);
        // The trees are a few levels deeper; steps within a level are the same.
        large.Run.ShouldBeLessThan(small.Run * 3 / 2);
        large.Idle.ShouldBeLessThan(small.Idle * 3 / 2);
        large.Idle.ShouldBeLessThan(2_000, "nothing is due: a few lookups");
    }

    private static int FromEnvironment(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), out var value) ? value : otherwise;

    private async Task<(long Run, long Idle)> MeasureAsync(int manifests)
    {
        await using var at = await CollectionFixture.StartAsync();
        await FillAsync(at, manifests);
        var steps = await CountStepsAsync(at);
        for (var i = 0; i < Deletes; i++)
            await at.WriteAsync(db => DeleteNth(db, at.Key("r1"), (i * (manifests / Deletes)) + 1, at.Now));
        var total = new CollectionFigures();
        var (watch, before) = (Stopwatch.StartNew(), steps.Count);
        // Once for the trash, once for the links, once for the blobs.
        foreach (var days in new[] { 7, 1, 1 })
        {
            at.Time.Advance(TimeSpan.FromDays(days) + TimeSpan.FromMinutes(1));
            var figures = await at.RunAsync();
            total = total with { Reviews = total.Reviews + figures.Reviews, RemovedBlobs = total.RemovedBlobs + figures.RemovedBlobs, PurgedManifests = total.PurgedManifests + figures.PurgedManifests };
        }
        var run = steps.Count - before;
        watch.Stop();
        (total.PurgedManifests, total.RemovedBlobs).ShouldBe((Deletes, 2L * Deletes));
        before = steps.Count;
        await at.RunAsync();
        var idle = steps.Count - before;
        output.WriteLine(
            $"{manifests} manifests, {Deletes} deletes: {total.Reviews} rows reviewed, {run} steps ({run / Deletes} a delete), {watch.Elapsed.TotalSeconds:0.00} s; a run with nothing to do: {idle} steps");
        return (run, idle);
    }

    // Each manifest has a layer of its own and a config that a thousand share; the files aren't there, and removing what isn't is nothing.
    private static Task<bool> FillAsync(CollectionFixture at, int manifests) => at.WriteAsync(db =>
    {

        var now = at.Now;
        Repositories.Ensure(db, at.Key("r1"), now);
        var numbers = $"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {manifests})";
        db.Execute($"""
            {numbers} INSERT INTO blobs (id, digest, size, created_at) SELECT i, unhex('01' || printf('%064x', i)), 1000, {now} FROM n;
            {numbers} INSERT INTO blobs (id, digest, size, created_at) SELECT i + 10000000, unhex('01' || printf('%064x', i + 10000000)), 500, {now} FROM n;
            {numbers} INSERT INTO links (repository_id, blob_id, created_at) SELECT 1, i, {now} FROM n;
            {numbers} INSERT INTO manifests (id, repository_id, blob_id, media_type, created_at) SELECT i, 1, i + 10000000, 'm', {now} FROM n;
            {numbers} INSERT INTO manifest_blobs (manifest_id, repository_id, blob_id, kind) SELECT i, 1, i, 2 FROM n;
            {numbers} INSERT INTO manifest_payloads (blob_id, payload) SELECT i + 10000000, zeroblob(500) FROM n;
            """);
        return true;
    });

    private static bool DeleteNth(MetadataSession db, RepositoryKey key, int n, long nowMs)
    {
        using var rows = db.Prepare("SELECT digest FROM blobs WHERE id = @id").Set("@id", n + 10_000_000L).Query();
        rows.Read();
        var digest = rows.Digest(0);
        rows.Dispose();
        return Storage.Metadata.Manifests.Delete(db, key, digest, new Deletion($"op{n}", DeletionCause.Client, "test"), nowMs).Outcome == DeleteOutcome.Deleted;
    }

    // On the writer's connection and on the one that a lone reader gets again and again.
    private static async Task<StepCounter> CountStepsAsync(CollectionFixture at)
    {
        var counter = new StepCounter();
        await at.WriteAsync(counter.Attach);
        await at.ReadAsync(counter.Attach);
        return counter;
    }

    private sealed class StepCounter
    {
        private const int Grain = 10;

        public long Count { get; private set; }

        public bool Attach(MetadataSession db)
        {
            raw.sqlite3_progress_handler(((SqliteConnection)db.Connection).Handle, Grain, Step, null);
            return true;
        }

        private int Step(object? state)
        {
            Count += Grain;
            return 0;
        }
    }
}
