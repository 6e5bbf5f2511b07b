using System.Diagnostics;
using Holdfast.Drill.Images;
using Holdfast.Drill.Ledgers;
using Holdfast.Drill.Protocol;
using Holdfast.Drill.Servers;
using Holdfast.Bench.Measure;

namespace Holdfast.Drill.Race;

/// <summary>
/// The same pushes, pulls and deletes on the same fixed timetable, in phases that take turns: with collection and scrub at work, and without. What one is
/// late is charged to it. The store is that of the race, so that the working phases have thousands of things to collect and hash.
/// </summary>
internal sealed class LatencyPhases(RaceOptions options, HoldfastServer server, Ledger ledger)
{
    private const string Repository = "drill/timed";
    private const int PulledImages = 50;
    private static readonly TimeSpan Warmup = TimeSpan.FromSeconds(3);

    private readonly ImageMaker _images = new(new Random(options.Seed + 100), 4000);
    private readonly Lock _making = new();
    private readonly List<Manifest> _pulled = [];
    private int _tag;
    private double _reviews;
    private double _hashed;

    public async Task<PhaseFigures> RunAsync(CancellationToken token)
    {
        await PrepareAsync(token);
        var phases = new List<(PhaseTally, PhaseTally)>();
        for (var pair = 0; pair < options.Pairs; pair++)
        {
            // Which one goes first takes turns, too.
            var first = await MeasureAsync(working: pair % 2 == 1, token);
            var second = await MeasureAsync(working: pair % 2 == 0, token);
            phases.Add(pair % 2 == 1 ? (second, first) : (first, second));
            options.Say($"phases {pair + 1} of {options.Pairs}: {PhaseFigures.Of([phases[^1]], 0, 0)}");
        }

        return PhaseFigures.Of(phases, _reviews, _hashed);
    }

    private async Task PrepareAsync(CancellationToken token)
    {
        await server.StartAsync(token);
        for (var i = 0; i < PulledImages; i++)
        {
            _pulled.Add(NewImage());
            await PushAsync(server.Client, _pulled[^1], $"pulled-{i}", token);
        }

        await server.StopAsync();
    }

    private async Task<PhaseTally> MeasureAsync(bool working, CancellationToken token)
    {
        server.Settings["collection"] = working
            ? "{ grace: 0s, lease: 10s, interval: 1s }"
            : "{ grace: 1h, lease: 10s, interval: 1d }";
        server.Settings["scrub"] = working ? "{ sweep: 1s, period: 4m }" : "{ sweep: 1d, period: 365d }";
        await server.StartAsync(token);
        using var client = new RegistryClient(server.Address);
        // What was not hashed within the period is hashed while it is pulled, once; here its pulls are measured, not that.
        foreach (var image in _pulled)
            await PullAsync(client, image, token);
        var tally = new PhaseTally();
        var random = new Random(options.Seed);
        await Task.WhenAll(
            EachAsync(options.PushRate, tally, tally.Pushes, () => PushAsync(client, NewImage(), $"t{Interlocked.Increment(ref _tag)}", token), token),
            EachAsync(options.PullRate, tally, tally.Pulls, () => PullAsync(client, _pulled[Random.Shared.Next(_pulled.Count)], token), token),
            EachAsync(options.PushRate, tally, new Histogram(), () => DeleteAsync(client, random, token), token));
        if (working)
        {
            _reviews += await Metrics.SumAsync(server.Address, "holdfast_collection_reviews_total", token);
            _hashed += await Metrics.SumAsync(server.Address, "holdfast_scrub_blobs_total", token);
        }
        await server.StopAsync();
        return tally;
    }

    private async Task EachAsync(int rate, PhaseTally tally, Histogram histogram, Func<Task> actAsync, CancellationToken token)
    {
        var running = new List<Task>();
        var begin = Stopwatch.GetTimestamp();
        var interval = TimeSpan.FromSeconds(1.0 / rate);
        for (var due = TimeSpan.Zero; due < Warmup + options.Phase; due += interval)
        {
            if (due - Stopwatch.GetElapsedTime(begin) is { Ticks: > 0 } early)
                await Task.Delay(early, token);
            running.Add(TimeAsync(due));
        }

        await Task.WhenAll(running);

        async Task TimeAsync(TimeSpan due)
        {
            await actAsync();
            if (due >= Warmup)
                tally.Record(histogram, Stopwatch.GetElapsedTime(begin) - due);
        }
    }

    private Manifest NewImage()
    {
        lock (_making)
            return _images.Image(2, sharing: false);
    }

    private static async Task PushAsync(RegistryClient client, Manifest image, string tag, CancellationToken token)
    {
        foreach (var blob in image.Blobs)
            Expect(await client.UploadAsync(Repository, blob, UploadWay.Put, token), 201, "upload");
        Expect(await client.PutManifestAsync(Repository, image, [tag], token), 201, "PUT of a manifest");
    }

    private static async Task PullAsync(RegistryClient client, Manifest image, CancellationToken token)
    {
        Expect(await client.GetManifestAsync(Repository, image.Digest, token), 200, "GET of a manifest");
        foreach (var blob in image.Blobs)
            Expect(await client.GetBlobAsync(Repository, blob.Digest, token), 200, "GET of a blob");
    }

    // In both kinds of phase, so that only the collection's own work differs; what it finds in a working phase is of both.
    private async Task DeleteAsync(RegistryClient client, Random random, CancellationToken token)
    {
        ManifestRecord? manifest;
        lock (_making)
            manifest = ledger.PickManifest(random);
        if (manifest is not null)
            await client.DeleteManifestAsync(manifest.Repository, manifest.Digest, token);
    }

    private static void Expect(Answer answer, int status, string what)
    {
        if (answer.Status != status)
            throw new DrillException($"{what}: {answer}, not {status}");
    }
}
