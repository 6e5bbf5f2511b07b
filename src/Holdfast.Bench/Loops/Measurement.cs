using System.Diagnostics;
using System.Globalization;
using Holdfast.Bench.Data;
using Holdfast.Bench.Http;
using Holdfast.Bench.Measure;
using Holdfast.Bench.Report;

namespace Holdfast.Bench.Loops;

/// <summary>Measures one server once: prepares what is read, warms up, measures, adds up.</summary>
internal sealed class Measurement(Stand stand, BenchPlan plan, Scenario scenario, Halt halt)
{
    // Of four operations of the mixed workload one is a push.
    private const int MixedCycle = 4;

    // What still runs when somebody stops the program gets this long to end.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan BetweenRenewals = TimeSpan.FromSeconds(1);

    private readonly TimeSpan _warmup = scenario.DataSet.Requests is null ? plan.Warmup : TimeSpan.Zero;
    private int _mixed;
    private int _pushed;

    /// <param name="upstream">Where images of the cold cache come from; null for other workloads.</param>
    /// <param name="progress">Told how many requests are done.</param>
    /// <param name="stop">Ends it; what was measured by then is given back.</param>
    public async Task<Round> TakeAsync(int round, Stand? upstream, Action<long> progress, CancellationToken stop)
    {
        var preparation = new Preparation(stand, plan, scenario, halt);
        if (upstream is not null)
            await new Preparation(upstream, plan, scenario, halt).PushColdAsync(round, stop);
        var reads = await preparation.ReadsAsync(round, stop);
        var images = Workloads.Pushes(scenario.Workload) ? await preparation.NewImagesAsync(round, stop) : null;
        if (stand.Processes.Any)
            Disks.WriteBack();
        GC.Collect();
        stop.ThrowIfCancellationRequested();

        stand.Processes.ResetPeak();
        var begin = Stopwatch.GetTimestamp();
        var pace = new Pace(begin, _warmup + plan.Duration, scenario.DataSet.Requests, plan.Rate, _warmup);
        var course = new Course(stand.Target, pace, halt, begin + Ticks.FromSeconds(_warmup.TotalSeconds), plan.Timeout);
        var (bodies, tallies) = images is null && stand.Target.Tls is null ? ReadLoops(course, reads) : TurnLoops(course, reads, images, round);
        var before = Clocks.Read(stand.Processes);
        var running = Crew.RunAsync(bodies);
        try
        {
            if (_warmup > TimeSpan.Zero && await WaitAsync(running, _warmup, reads, tallies, progress, stop))
                before = Clocks.Read(stand.Processes);
            await WaitAsync(running, Timeout.InfiniteTimeSpan, reads, tallies, progress, stop);
        }
        finally
        {
            if (!running.IsCompleted)
                await EndAsync(running, pace);
        }
        await running;
        var found = Sum(tallies, course, before, Clocks.Read(stand.Processes));
        if (scenario.Workload == Workload.Delete)
            stand.Left.Forget(found.Completed);
        return found;
    }

    /// <returns>False: it ended, or was stopped, before that.</returns>
    private async Task<bool> WaitAsync(Task running, TimeSpan time, ReadPlan reads, IReadOnlyList<Tally> tallies, Action<long> progress, CancellationToken stop)
    {
        var (begin, renewed) = (Stopwatch.GetTimestamp(), Stopwatch.GetTimestamp());
        while (!running.IsCompleted && !stop.IsCancellationRequested)
        {
            var left = time == Timeout.InfiniteTimeSpan ? BetweenLooks : time - Stopwatch.GetElapsedTime(begin);
            if (left <= TimeSpan.Zero)
                return true;
            using var enough = CancellationTokenSource.CreateLinkedTokenSource(stop);
            await Task.WhenAny(running, Task.Delay(left < BetweenLooks ? left : BetweenLooks, enough.Token));
            await enough.CancelAsync();
            progress(tallies.Sum(static tally => tally.Completed));
            if (Stopwatch.GetElapsedTime(renewed) < BetweenRenewals)
                continue;
            renewed = Stopwatch.GetTimestamp();
            if (await stand.Target.Grants.RenewAsync(stop))
                reads.Renew();
        }
        return false;
    }

    private async Task EndAsync(Task running, Pace pace)
    {
        pace.End();
        halt.Call();
        using var enough = new CancellationTokenSource();
        await Task.WhenAny(running, Task.Delay(Grace, enough.Token));
        await enough.CancelAsync();
        halt.Cut();
    }

    private (List<Action> Bodies, List<Tally> Tallies) ReadLoops(Course course, ReadPlan reads)
    {
        var usedUp = Workloads.IsUsedUp(scenario.Workload) ? new Turnstile(reads.Operations.Count) : null;
        var threads = Math.Clamp(plan.Threads, 1, plan.Connections);
        var loops = Enumerable.Range(0, threads).Select(index =>
        {
            // Connections are dealt out evenly; the first threads get what is left over.
            var connections = (plan.Connections / threads) + (index < plan.Connections % threads ? 1 : 0);
            return new ReadLoop(course, reads, connections, reads.Operations.Count * index / threads, usedUp);
        }).ToList();
        return ([.. loops.Select(loop => (Action)(() => RunOnce(loop)))], [.. loops.Select(loop => loop.Tally)]);
    }

    private static void RunOnce(ReadLoop loop)
    {
        using (loop)
            loop.Run();
    }

    private (List<Action> Bodies, List<Tally> Tallies) TurnLoops(Course course, ReadPlan reads, Func<Image>? images, int round)
    {
        var turns = new Turnstile(Math.Max(1, reads.Operations.Count));
        var loops = Enumerable.Range(0, plan.Connections).Select(index => new TurnLoop(course, Next(index), reads.Hashes)).ToList();
        return ([.. loops.Select(loop => (Action)loop.Run)], [.. loops.Select(loop => loop.Tally)]);

        Func<Operation> Next(int index) => scenario.Workload switch
        {
            Workload.Push => () => Push(images!(), round, index, part: 0),
            Workload.Mixed => Mix(Read(reads, turns), () => Push(images!(), round, index, part: 1)),
            _ => () => Read(reads, turns),
        };
    }

    // A connection has a push ready, and learns when its turn comes whether it is one: those that get no more turns would else keep theirs from being done.
    private Func<Operation> Mix(Operation pull, Func<Operation> makePush)
    {
        Operation? ready = null;
        return () =>
        {
            ready ??= makePush();
            return connection =>
            {
                if (Interlocked.Increment(ref _mixed) % MixedCycle != 0)
                    return pull(connection);
                var push = ready;
                ready = null;
                return push(connection);
            };
        };
    }

    // Which operation is decided only when it begins: a thread that ends would keep from being done what it had taken.
    private Operation Read(ReadPlan reads, Turnstile turns) => connection =>
    {
        var (operation, bytes) = (turns.Next(), 0L);
        for (var step = 0; step < reads.Operations[operation].Length; step++)
            bytes += connection.Ask(reads.HeadOf(operation, step), reads.Operations[operation][step]);
        return (0, bytes);
    };

    private Operation Push(Image image, int round, int index, int part)
    {
        var push = new ImagePush(stand.Target, plan.Upload);
        var number = Interlocked.Increment(ref _pushed);
        var repository = stand.Names.Repository(number % plan.Repositories);
        var tag = string.Create(CultureInfo.InvariantCulture, $"p{round}-{scenario.DataSet.Id()[..6]}-{index}-{number}");
        return connection =>
        {
            push.Push(connection, repository, image, tag);
            stand.Left.Add(repository, image.Manifest.Digest, image.Length);
            return (part, image.Length);
        };
    }

    private Round Sum(List<Tally> tallies, Course course, Clocks before, Clocks after)
    {
        var total = new Tally();
        foreach (var tally in tallies)
            total.Add(tally);
        if (course.Pace.Unsent is > 0 and var unsent)
            total.Errors["not sent: behind the timetable"] = unsent;
        // Nothing ended: the time in which it could have. What was planned counts to its end, or a timetable's last interval would be left out.
        var end = Math.Max(total.LastEnd, course.Pace.PlannedEnd(Stopwatch.GetTimestamp()));
        var seconds = Math.Max(1e-9, Ticks.ToSeconds((end > course.CountFrom ? end : Stopwatch.GetTimestamp()) - course.CountFrom));
        var (server, client) = (after.Server - before.Server, after.Client - before.Client);
        var ended = stand.Processes.Any && stand.Processes.HasEnded;
        // Less than before: a child ended whose time nobody took over.
        var any = stand.Processes.Any && !ended && server >= 0;
        return new Round
        {
            Completed = total.Completed,
            Seconds = seconds,
            RequestsPerSecond = total.Completed / seconds,
            BytesPerSecond = total.Bytes / seconds,
            LatencyMilliseconds = Percentiles.Of(total.Latency),
            Parts = scenario.Workload == Workload.Mixed ? new Dictionary<string, PartOfRound>(StringComparer.Ordinal) { ["pull"] = PartOf(total, 0), ["push"] = PartOf(total, 1) } : null,
            Errors = total.Errors,
            ClientCpuSeconds = client,
            ServerCpuSeconds = any ? server : null,
            ServerCpuMicrosecondsEach = any ? server * 1e6 / Math.Max(1, total.Completed) : null,
            OtherCpuSeconds = any ? Math.Max(0, after.Machine - before.Machine - server - client) : null,
            ServerPeakBytes = any ? stand.Processes.PeakBytes() : null,
            ServerEnded = ended ? true : null,
        };
    }

    private static PartOfRound PartOf(Tally total, int part)
    {
        var latency = total.Parts[part] ?? new Histogram();
        return new PartOfRound(latency.Count, Percentiles.Of(latency));
    }

    /// <summary>CPU seconds so far.</summary>
    private readonly record struct Clocks(double Server, double Machine, double Client)
    {
        public static Clocks Read(ServerProcesses processes) => new(processes.CpuSeconds(), ServerProcesses.MachineCpuSeconds(), Environment.CpuUsage.TotalTime.TotalSeconds);
    }
}
