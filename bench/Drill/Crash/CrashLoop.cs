using System.Diagnostics;
using Holdfast.Drill.Checks;
using Holdfast.Drill.Ledgers;
using Holdfast.Drill.Protocol;
using Holdfast.Drill.Servers;
using Holdfast.Drill.Traffic;

namespace Holdfast.Drill.Crash;

/// <summary>
/// Kills the real server (SIGKILL) at random moments under pushers, deleters and its own collection without grace, starts it again, and compares what
/// it serves with what it had acknowledged.
/// </summary>
internal sealed class CrashLoop(CrashOptions options)
{
    // A few beginnings of traces tell as much as thousands.
    private const int MostFaults = 50;

    private readonly Ledger _ledger = new();
    private readonly Random _random = new(options.Seed);
    private readonly List<string> _faults = [];
    private readonly List<double> _starts = [];
    private readonly List<Pusher> _pushers = [];
    private readonly List<Deleter> _deleters = [];
    private long _tags;
    private long _manifests;

    public async Task<CrashResult> RunAsync(CancellationToken token)
    {
        var since = Stopwatch.StartNew();
        using var folder = new WorkFolder(options.Parent, options.Keep);
        using var server = new HoldfastServer(options.Program, folder.Path);
        var (kills, early) = (0, 0);
        await StartAsync(server, token);
        while (kills < options.Kills && _faults.Count == 0)
        {
            var moment = options.Traffic * _random.NextDouble();
            await KillUnderTrafficAsync(server, moment, token);
            kills++;
            if (_random.Next(6) == 0)
            {
                await KillWhileStartingAsync(server, token);
                (kills, early) = (kills + 1, early + 1);
            }

            await StartAsync(server, token);
            await VerifyAsync(server, everything: false, token);
            if (kills % 25 < 2)
                options.Say($"{kills} kills, {_ledger.Acknowledged} manifests acknowledged, {_ledger.Manifests.Count} known, last start {_starts[^1]:0.00} s, {_faults.Count} faults");
        }

        await VerifyAsync(server, everything: true, token);
        var incidents = await OpenIncidents.CountAsync(server.Admin, token);
        _faults.AddRange(OpenIncidents.Damage(incidents).Select(kind => $"INCIDENT: {incidents[kind]} of kind {kind}, though nothing was damaged"));
        if (_faults.Count > 0)
            _faults.Add($"the end of the server's log:\n{server.LogEnd()}");
        await server.StopAsync();
        _starts.Sort();
        return new CrashResult(
            options.Seed, kills, early, _ledger.Acknowledged, _deleters.Sum(d => d.Deleted), _deleters.Sum(d => d.GuardedRefusals), _pushers.Sum(p => p.Counts.Refused),
            _tags, _manifests, _starts[_starts.Count / 2], _starts[^1], since.Elapsed.TotalSeconds, incidents, [.. _faults.Take(MostFaults)]);
    }

    private async Task StartAsync(HoldfastServer server, CancellationToken token) => _starts.Add((await server.StartAsync(token)).TotalSeconds);

    private async Task KillUnderTrafficAsync(HoldfastServer server, TimeSpan moment, CancellationToken token)
    {
        using var client = new RegistryClient(server.Address);
        var killed = false;
        var pushers = Enumerable.Range(0, options.Pushers).Select(i => NewPusher(client, i)).ToList();
        var deleters = Enumerable.Range(0, options.Deleters).Select(_ => new Deleter(client, _ledger, _random.Next())).ToList();
        var work = pushers.Select(pusher => pusher.RunAsync(() => !Volatile.Read(ref killed), token))
            .Concat(deleters.Select(deleter => deleter.RunAsync(() => !Volatile.Read(ref killed), TimeSpan.FromMilliseconds(5), token))).ToList();
        var first = await Task.WhenAny(Task.WhenAny(work), Task.Delay(moment, token));
        if (first is Task<Task>)
            _faults.Add(server.IsRunning ? "a request wasn't answered although the server lived" : "the server ended by itself");
        Volatile.Write(ref killed, true);
        await server.KillAsync();
        await Task.WhenAll(work);
        _pushers.AddRange(pushers);
        _deleters.AddRange(deleters);
        _faults.AddRange(pushers.SelectMany(pusher => pusher.Counts.Faults).Concat(deleters.SelectMany(deleter => deleter.Counts.Faults)));
    }

    private async Task KillWhileStartingAsync(HoldfastServer server, CancellationToken token)
    {
        server.Begin();
        await Task.Delay(TimeSpan.FromMilliseconds(_random.Next(600)), token);
        await server.KillAsync();
    }

    // Half of what each pushes is where nobody else pushes, so that its answers alone decide what is owed.
    private Pusher NewPusher(RegistryClient client, int number) =>
        new(client, _ledger, new PusherSettings(_random.Next(), [$"drill/own-{number}", "drill/shared"], Tags: 8, options.LayerBytes));

    private async Task VerifyAsync(HoldfastServer server, bool everything, CancellationToken token)
    {
        using var client = new RegistryClient(server.Address);
        var verification = new Verification(_ledger, client, _random)
        {
            ReadsEverything = everything,
            Limit = everything ? TimeSpan.MaxValue : options.Check,
        };
        await verification.RunAsync(token);
        _tags += verification.Tags;
        _manifests += verification.Manifests;
        _faults.AddRange(verification.Faults);
    }
}
