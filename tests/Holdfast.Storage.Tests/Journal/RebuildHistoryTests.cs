using Holdfast.Oci;
using Holdfast.Storage.Journal;
using Holdfast.Storage.Metadata;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Storage.Tests.Journal;

/// <summary>Any history, and a database made from its journal and blobs says the same as the one that it happened to.</summary>
public sealed class RebuildHistoryTests
{
    [Theory, Promise("P7")]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public async Task Start_DatabaseRemovedAfterAnyHistory_RebuildsItEqual(int seed)
    {
        await using var store = new JournaledStore();
        await store.OpenAsync();
        var history = new History(store, new Random(seed));
        for (var round = 0; round < 3; round++)
        {
            await history.RunAsync(80);
            var before = await store.DumpAsync();
            before.Count.ShouldBeGreaterThan(20);
            await store.CloseAsync();
            File.Delete(store.DatabaseFile);

            var findings = await store.OpenAsync();
            findings.Rebuilt.ShouldNotBeNull().IsComplete.ShouldBeTrue(string.Join('\n', findings.Rebuilt!.Refused));
            (await store.DumpAsync()).ShouldBe(before, $"seed {seed}, round {round}");
        }
    }

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    public async Task Snapshot_OfAnyHistory_RebuildsItEqual(int seed)
    {
        await using var store = new JournaledStore();
        await store.OpenAsync();
        var history = new History(store, new Random(seed));
        await history.RunAsync(150);
        await store.CloseAsync();
        foreach (var file in Directory.GetFiles(store.Journal))
            File.Delete(file);
        (await store.OpenAsync()).Warnings.ShouldHaveSingleItem().ShouldContain("the journal is missing");
        await history.RunAsync(40);
        var before = await store.DumpAsync();
        await store.CloseAsync();
        File.Delete(store.DatabaseFile);

        (await store.OpenAsync()).Rebuilt.ShouldNotBeNull().IsComplete.ShouldBeTrue();
        (await store.DumpAsync()).ShouldBe(before, $"seed {seed}");
    }

    [Theory, Promise("P7")]
    [InlineData(31)]
    [InlineData(32)]
    [InlineData(33)]
    [InlineData(34)]
    public async Task Snapshot_OfAnyHistory_RebuildsWhatWaitsForItsReview(int seed)
    {
        await using var store = new JournaledStore();
        await store.OpenAsync();
        await new History(store, new Random(seed)).RunAsync(150);
        var before = await WaitingAsync(store);
        await RebuildFromSnapshotAsync(store);
        (await WaitingAsync(store)).ShouldBe(before, $"seed {seed}");
    }

    [Fact]
    public async Task Snapshot_WithAnUntaggedManifest_RebuiltItIsStillCollectedAndItsBlobsAfterIt()
    {
        await using var store = new JournaledStore();
        await store.OpenAsync();
        var child = await store.PushImageAsync("child");
        var index = await store.PushIndexAsync([child], "v1");
        var kept = await store.PushImageAsync("kept");
        await store.PushIndexAsync([kept], "v2");
        await store.PushBlobAsync("no manifest's");
        await store.DeleteTagAsync("v2");
        await CollectAsync(store);
        // Its index is in the trash; pushed again, it stays by itself.
        await store.PushImageAsync("kept");
        await store.DeleteTagAsync("v1");
        await RebuildFromSnapshotAsync(store);

        for (var round = 0; round < 3; round++)
            await CollectAsync(store);
        (await store.QueryAsync(session => Manifests.Find(session, store.App, index.Digest))).ShouldBeNull();
        (await store.QueryAsync(session => Manifests.Find(session, store.App, child.Digest))).ShouldBeNull();
        (await store.QueryAsync(session => Manifests.Find(session, store.App, kept.Digest))).ShouldNotBeNull();
        (await store.QueryAsync(session => session.Prepare("SELECT COUNT(*) FROM manifest_reviews").QueryLong())).ShouldBe(0);
        var links = "SELECT COUNT(*) FROM links l WHERE NOT EXISTS (SELECT 1 FROM manifest_blobs e WHERE e.repository_id = l.repository_id AND e.blob_id = l.blob_id)";
        (await store.QueryAsync(session => session.Prepare(links).QueryLong())).ShouldBe(0);
    }

    private static Task<int> CollectAsync(JournaledStore store) => store.ChangeAsync(session => TrashEnds.ReviewAll(session, store.Now + 100_000_000_000));

    private static async Task RebuildFromSnapshotAsync(JournaledStore store)
    {
        await store.CloseAsync();
        foreach (var file in Directory.GetFiles(store.Journal))
            File.Delete(file);
        (await store.OpenAsync()).Warnings.ShouldHaveSingleItem().ShouldContain("the journal is missing");
        await store.CloseAsync();
        File.Delete(store.DatabaseFile);
        (await store.OpenAsync()).Rebuilt.ShouldNotBeNull().IsComplete.ShouldBeTrue();
    }

    private static Task<List<(Digest, long)>> WaitingAsync(JournaledStore store) => store.QueryAsync(session =>
    {
        const string Sql = """
            SELECT b.digest, v.orphaned_at FROM manifest_reviews v JOIN manifests m ON m.id = v.manifest_id JOIN blobs b ON b.id = m.blob_id ORDER BY b.digest
            """;
        var waiting = new List<(Digest, long)>();
        using var rows = session.Prepare(Sql).Query();
        while (rows.Read())
            waiting.Add((rows.Digest(0), rows.Long(1)));
        return waiting;
    });

    [Theory]
    [InlineData(21)]
    [InlineData(22)]
    [InlineData(23)]
    public async Task Start_OlderCopyPutBack_ReplaysTheRest(int seed)
    {
        await using var store = new JournaledStore();
        await store.OpenAsync();
        var history = new History(store, new Random(seed));
        await history.RunAsync(60);
        await store.CloseAsync();
        var copy = await File.ReadAllBytesAsync(store.DatabaseFile, CancellationToken.None);
        await store.OpenAsync();
        await history.RunAsync(60);
        var before = await store.DumpAsync();
        await store.CloseAsync();
        await File.WriteAllBytesAsync(store.DatabaseFile, copy, CancellationToken.None);

        var findings = await store.OpenAsync();
        findings.Replayed.ShouldBeGreaterThan(20);
        findings.Rebuilt.ShouldBeNull();
        (await store.DumpAsync()).ShouldBe(before, $"seed {seed}");
    }

    private sealed class History(JournaledStore store, Random random)
    {
        private readonly List<Descriptor> _manifests = [];
        private readonly List<Descriptor> _blobs = [];

        public async Task RunAsync(int steps)
        {
            for (var step = 0; step < steps; step++)
                await StepAsync();
        }

        private Task StepAsync() => random.Next(12) switch
        {
            0 or 1 or 2 => PushAsync(),
            3 => PushIndexAsync(),
            4 => store.DeleteTagAsync(AnyTag()),
            5 => DeleteAsync(_manifests, store.DeleteManifestAsync),
            6 => DeleteAsync(_blobs, store.DeleteLinkAsync),
            7 => PushAgainAsync(),
            8 or 9 => store.ChangeAsync(session => TrashEnds.RestoreAny(session, random, store.Now)),
            10 => store.ChangeAsync(session => TrashEnds.PurgeAny(session, random, store.Now)),
            _ => store.ChangeAsync(session => TrashEnds.ReviewAll(session, store.Now)),
        };

        private string AnyTag() => $"tag-{random.Next(5)}";

        private async Task PushAsync()
        {
            var number = random.Next(8);
            _blobs.Add(await store.PushBlobAsync($"blob {number}"));
            var layers = new List<Descriptor> { _blobs[^1] };
            var config = await store.PushBlobAsync($"config {random.Next(4)}");
            var subject = random.Next(4) == 0 && _manifests.Count > 0 ? _manifests[random.Next(_manifests.Count)] : (Descriptor?)null;
            _manifests.Add(await store.PutAsync(store.App, ManifestTexts.Image(config, layers, subject), random.Next(3) == 0 ? [] : [AnyTag()]));
        }

        private async Task PushIndexAsync()
        {
            var live = new List<Descriptor>();
            foreach (var manifest in _manifests.Distinct())
            {
                if (await store.QueryAsync(session => Manifests.Find(session, store.App, manifest.Digest)) is not null)
                    live.Add(manifest);
            }
            var children = Enumerable.Range(0, live.Count == 0 ? 0 : random.Next(3)).Select(_ => live[random.Next(live.Count)]).ToArray();
            _manifests.Add(await store.PushIndexAsync(children, AnyTag()));
        }

        private async Task PushAgainAsync()
        {
            var other = store.App with { Name = RepositoryName.Parse("team/other") };
            var now = store.Now;
            if (_blobs.Count > 0)
                await store.ChangeAsync(session => BlobLinks.Mount(session, store.App, other, _blobs[random.Next(_blobs.Count)].Digest, now));
        }

        private async Task DeleteAsync(List<Descriptor> from, Func<Digest, Task<DeleteResult>> delete)
        {
            if (from.Count > 0)
                await delete(from[random.Next(from.Count)].Digest);
        }
    }
}
