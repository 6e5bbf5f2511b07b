using System.Diagnostics;
using Holdfast.Load.Data;
using Holdfast.Load.Measure;

namespace Holdfast.Load.Run;

/// <summary>Runs a workload once: prepares its data, warms up, measures, adds up.</summary>
internal static class Measurement
{
    public static RunResult Take(RunOptions options)
    {
        var prepare = options.Workload is Workload.Push or Workload.SmallPush ? PreparePush(options) : PrepareRead(options);
        GC.Collect();

        var servers = new ServerProcesses(options.Processes);
        servers.ResetPeak();
        var begin = Stopwatch.GetTimestamp();
        var countFrom = begin + Ticks.FromSeconds(options.Warmup.TotalSeconds);
        var pace = new Pace(begin, options.Warmup + options.Duration, options.Requests, options.Rate);
        var (bodies, tallies) = prepare(pace, countFrom);
        var threads = bodies.Select(body => new Thread(() => body())).ToList();
        threads.ForEach(thread => thread.Start());

        Thread.Sleep(options.Warmup);
        var serverBefore = servers.CpuSeconds();
        var machineBefore = ServerProcesses.MachineCpuSeconds();
        var ownBefore = Environment.CpuUsage.TotalTime;
        threads.ForEach(thread => thread.Join());
        var ownAfter = Environment.CpuUsage.TotalTime;
        var serverAfter = servers.CpuSeconds();
        var machine = ServerProcesses.MachineCpuSeconds() - machineBefore;

        var total = new Tally();
        foreach (var tally in tallies)
            total.Add(tally);
        return RunResult.Of(options, total, Ticks.ToSeconds(total.LastEnd - countFrom), ownAfter - ownBefore) with
        {
            ServerCpuSeconds = servers.Any ? serverAfter - serverBefore : null,
            OtherCpuSeconds = servers.Any ? Math.Max(0, machine - (serverAfter - serverBefore) - (ownAfter - ownBefore).TotalSeconds) : null,
            ServerPeakBytes = servers.Any ? servers.PeakBytes() : null,
        };
    }

    private static Func<Pace, long, (List<Action> Bodies, List<Tally> Tallies)> PrepareRead(RunOptions options)
    {
        var plan = ReadPlan.Prepare(options);
        return (pace, countFrom) =>
        {
            var loops = Enumerable.Range(0, options.Threads).Select(index =>
            {
                // Connections are dealt out evenly; the first threads get what is left over.
                var connections = (options.Connections / options.Threads) + (index < options.Connections % options.Threads ? 1 : 0);
                return new ReadLoop(options.Target, plan, pace, countFrom, connections, plan.Requests.Length * index / options.Threads);
            }).ToList();
            return ([.. loops.Select(loop => (Action)(() => RunOnce(loop)))], [.. loops.Select(loop => loop.Tally)]);
        };
    }

    private static void RunOnce(ReadLoop loop)
    {
        using (loop)
            loop.Run();
    }

    private static Func<Pace, long, (List<Action> Bodies, List<Tally> Tallies)> PreparePush(RunOptions options)
    {
        var source = new BlobSource(options.Size, options.Seed);
        Func<Image> image = options.Workload == Workload.Push ? () => Image.Large(source) : () => Image.Small(source);
        return (pace, countFrom) =>
        {
            var loops = Enumerable.Range(0, options.Connections)
                .Select(index => new PushLoop(options, image, pace, countFrom, $"p{options.Seed:x}-{index}"))
                .ToList();
            return ([.. loops.Select(loop => (Action)loop.Run)], [.. loops.Select(loop => loop.Tally)]);
        };
    }
}
