using System.Runtime.InteropServices;
using Holdfast.Bench.Http;
using Holdfast.Bench.Loops;
using Holdfast.Bench.Report;

namespace Holdfast.Bench;

/// <summary>How far a call has come.</summary>
/// <param name="Step">Which workload on which server.</param>
internal sealed record BenchProgress(string Step, long Done, long? Total);

/// <summary>
/// All workloads on all servers, in turn: each round begins with another server, so that none always runs behind the same other, and what disturbs the
/// machine for a while disturbs all of them.
/// </summary>
internal sealed class Session(BenchPlan plan, IReadOnlyList<BenchServer> servers, string program, TimeProvider time)
{
    /// <summary>Of workloads whose requests use something up, unless it is said otherwise.</summary>
    public const int UsedUpRequests = 200;

    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(3);

    private readonly Dictionary<(Scenario Scenario, string Server), List<Round>> _rounds = [];
    private readonly List<Unmeasured> _unable = [];
    private readonly List<Stand> _stands = [];
    private Stand? _upstream;

    /// <param name="stop">Ends it early; the report then holds what was measured by then.</param>
    /// <exception cref="BenchFault">A server can't do what is asked; what was made is taken away if that was asked for.</exception>
    public async Task<BenchReport> RunAsync(Action<BenchProgress> progress, CancellationToken stop)
    {
        var begun = time.GetUtcNow();
        var left = new List<Left>();
        using var halt = new Halt();
        using var finished = new CancellationTokenSource();
        var cutting = CutAsync(halt, stop, finished.Token);
        try
        {
            await ConnectAsync(stop);
            foreach (var scenario in plan.Scenarios())
                await MeasureAsync(scenario, halt, progress, stop);
        }
        catch (Exception e) when (stop.IsCancellationRequested && e is OperationCanceledException or BenchFault or RequestFailedException)
        {
            // Stopped: what there is, is reported.
        }
        finally
        {
            await finished.CancelAsync();
            await cutting;
            foreach (var stand in _upstream is null ? _stands : [.. _stands, _upstream])
            {
                if (plan.Clean)
                    progress(new BenchProgress($"cleaning up {stand.Server.Name}", 0, null));
                left.Add(await Cleaning.RunAsync(stand, plan, CancellationToken.None));
            }
        }
        return Report(begun, left, !stop.IsCancellationRequested);
    }

    private async Task ConnectAsync(CancellationToken stop)
    {
        foreach (var server in servers)
            _stands.Add(new Stand(server, await Target.FindAsync(server, stop), plan));
        if (plan.Upstream is { } upstream)
            _upstream = new Stand(upstream, await Target.FindAsync(upstream, stop), plan);
    }

    private async Task MeasureAsync(Scenario scenario, Halt halt, Action<BenchProgress> progress, CancellationToken stop)
    {
        for (var round = 1; round <= plan.Rounds; round++)
        {
            for (var turn = 0; turn < _stands.Count; turn++)
            {
                var stand = _stands[(turn + round - 1) % _stands.Count];
                if (_unable.Exists(one => one.Server == stand.Server.Name && one.DataSet == scenario.DataSet))
                    continue;
                try
                {
                    await MeasureAsync(scenario, stand, round, halt, progress, stop);
                }
                catch (BenchFault e) when (!stop.IsCancellationRequested)
                {
                    // The others can be measured all the same.
                    _unable.Add(new Unmeasured(stand.Server.Name, scenario.DataSet, e.Message));
                }
                stop.ThrowIfCancellationRequested();
            }
        }
    }

    private async Task MeasureAsync(Scenario scenario, Stand stand, int round, Halt halt, Action<BenchProgress> progress, CancellationToken stop)
    {
        var step = $"{stand.Server.Name}: {scenario.DataSet.Title()}{(plan.Rounds > 1 ? $", round {round} of {plan.Rounds}" : "")}";
        progress(new BenchProgress(step, 0, scenario.DataSet.Requests));
        var upstream = scenario.Workload == Workload.ColdCache ? _upstream : null;
        var found = await new Measurement(stand, plan, scenario, halt)
            .TakeAsync(round, upstream, done => progress(new BenchProgress(step, done, scenario.DataSet.Requests)), stop);
        if (found.Completed + found.Failed == 0 && stop.IsCancellationRequested)
            return;
        if (!_rounds.TryGetValue((scenario, stand.Server.Name), out var rounds))
            _rounds[(scenario, stand.Server.Name)] = rounds = [];
        rounds.Add(found);
    }

    // What waits for a server that says nothing must not hold up whoever wants to stop.
    private async Task CutAsync(Halt halt, CancellationToken stop, CancellationToken finished)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, finished);
        await Task.Delay(Timeout.InfiniteTimeSpan, time, either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (finished.IsCancellationRequested)
            return;
        halt.Call();
        await Task.Delay(Grace, time, finished).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!finished.IsCancellationRequested)
            halt.Cut();
    }

    private BenchReport Report(DateTimeOffset begun, List<Left> left, bool isComplete) => new()
    {
        Program = program,
        Begun = begun,
        Seed = plan.Seed,
        Complete = isComplete,
        Machine = new GeneratorMachine(Environment.ProcessorCount, RuntimeInformation.OSDescription),
        Servers = [.. _stands.Select(static stand => new ServerOfReport(stand.Server.Name, stand.Server.Address.GetLeftPart(UriPartial.Authority), stand.Target.Tls is not null, stand.Target.Grants.Scheme))],
        Measurements =
        [
            .. plan.Scenarios().Select(scenario => new Comparison(scenario.DataSet, scenario.DataSet.Id(),
                [.. _stands.Select(stand => ResultOf(scenario, stand)).OfType<ServerResult>()])).Where(static one => one.Results.Count > 0),
        ],
        NotMeasured = _unable,
        LeftBehind = [.. left.Where(static one => one.Manifests > 0)],
    };

    private ServerResult? ResultOf(Scenario scenario, Stand stand) =>
        _rounds.TryGetValue((scenario, stand.Server.Name), out var rounds) ? new ServerResult(stand.Server.Name, rounds) { Notes = Remarks.On(rounds) } : null;
}
