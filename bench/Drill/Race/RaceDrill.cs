using System.Diagnostics;
using Holdfast.Drill.Checks;
using Holdfast.Drill.Ledgers;
using Holdfast.Drill.Protocol;
using Holdfast.Drill.Servers;
using Holdfast.Drill.Traffic;

namespace Holdfast.Drill.Race;

/// <summary>Many pushes from many clients, beside a collection that never rests and has no grace; every acknowledged image is whole at the end.</summary>
internal sealed class RaceDrill(RaceOptions options)
{
    private const int MostFaults = 50;
    private static readonly TimeSpan SayEvery = TimeSpan.FromSeconds(30);

    private readonly Ledger _ledger = new();
    private readonly Random _random = new(options.Seed);

    public async Task<RaceResult> RunAsync(CancellationToken token)
    {
        var since = Stopwatch.StartNew();
        using var folder = new WorkFolder(options.Parent, options.Keep);
        using var server = new HoldfastServer(options.Program, folder.Path);
        // A mount that is not granted begins an upload, which the pushers leave to itself.
        server.Settings["uploads"] = "{ maxOpen: 1000000 }";
        await server.StartAsync(token);
        using var client = new RegistryClient(server.Address);
        var pushers = Enumerable.Range(0, options.Clients).Select(i => new Pusher(client, _ledger, SettingsOf(i))).ToList();
        var deleters = Enumerable.Range(0, options.Deleters).Select(_ => new Deleter(client, _ledger, _random.Next())).ToList();
        var freed = await PushAsync(server, pushers, deleters, token);
        var pushing = since.Elapsed;

        options.Say("checking all of them");
        var verification = new Verification(_ledger, client, _random) { ReadsEverything = true };
        await verification.RunAsync(token);
        var incidents = await OpenIncidents.CountAsync(server.Admin, token);
        var faults = pushers.SelectMany(p => p.Counts.Faults).Concat(deleters.SelectMany(d => d.Counts.Faults)).Concat(verification.Faults)
            .Concat(OpenIncidents.Damage(incidents).Select(kind => $"INCIDENT: {incidents[kind]} of kind {kind}, though nothing was damaged")).ToList();
        if (pushers.Sum(p => p.Counts.Unanswered) + deleters.Sum(d => d.Counts.Unanswered) is > 0 and var unanswered)
            faults.Add($"{unanswered} requests weren't answered; the end of the server's log:\n{server.LogEnd()}");
        await server.StopAsync();
        var latencies = options.Pairs == 0 ? null : await new LatencyPhases(options, server, _ledger).RunAsync(token);
        var pushed = pushers.Sum(p => p.Counts.Pushed);
        return new RaceResult(
            options.Seed, pushed, pushers.Sum(p => p.Counts.Repeated), pushers.Sum(p => p.Counts.Refused), deleters.Sum(d => d.Deleted),
            deleters.Sum(d => d.GuardedRefusals), verification.Tags, verification.Manifests, pushed / pushing.TotalSeconds, since.Elapsed.TotalSeconds, freed,
            latencies, incidents, [.. faults.Take(MostFaults)]);
    }

    /// <returns>Bytes that the collection has freed by then, as the server counts them.</returns>
    private async Task<double> PushAsync(HoldfastServer server, List<Pusher> pushers, List<Deleter> deleters, CancellationToken token)
    {
        var goesOn = true;
        bool GoesOn() => Volatile.Read(ref goesOn);
        bool IsShort() => pushers.Sum(pusher => pusher.Counts.Pushed) < options.Pushes;
        var pushing = Task.WhenAll(pushers.Select(pusher => pusher.RunAsync(IsShort, token)));
        var deleting = deleters.ConvertAll(deleter => deleter.RunAsync(GoesOn, TimeSpan.FromMilliseconds(20), token));
        while (!pushing.IsCompleted)
        {
            await Task.WhenAny(pushing, Task.Delay(SayEvery, token));
            options.Say($"{pushers.Sum(pusher => pusher.Counts.Pushed)} pushed, {deleters.Sum(deleter => deleter.Deleted)} deleted");
        }

        await pushing;
        Volatile.Write(ref goesOn, false);
        await Task.WhenAll(deleting);
        return await Metrics.SumAsync(server.Address, "holdfast_collection_freed_bytes_total", token);
    }

    private PusherSettings SettingsOf(int number) =>
        new(_random.Next(), [$"drill/own-{number}", "drill/shared"], Tags: 16, LayerBytes: 1000) { Tiny = true };
}
