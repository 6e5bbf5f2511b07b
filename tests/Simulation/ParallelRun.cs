using System.Diagnostics;

namespace Simulation;

/// <summary>Histories side by side, each thread with a database of its own; stops at the first failure, unless it is to go on.</summary>
internal sealed class ParallelRun(int firstSeed, int histories, int steps, TimeSpan limit, bool keepsGoing = false)
{
    private readonly Lock _gate = new();
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private int _next;
    private TimeSpan _toldAt;
    private readonly List<Outcome> _failed = [];

    public int Done { get; private set; }

    public long Steps { get; private set; }

    public long Calls { get; private set; }

    /// <returns>The failures that were found, the lowest seed first.</returns>
    public IReadOnlyList<Outcome> Execute(int threads, Action<string>? trace)
    {
        var running = Enumerable.Range(0, threads).Select(_ => new Thread(() => Loop(trace))).ToList();
        running.ForEach(thread => thread.Start());
        running.ForEach(thread => thread.Join());
        return [.. _failed.OrderBy(outcome => outcome.Seed)];
    }

    private void Loop(Action<string>? trace)
    {
        using var rows = new SimulatedRows();
        while (Take() is { } seed)
        {
            trace?.Invoke($"history {seed}");
            var outcome = History.Run(rows, seed, steps, trace);
            lock (_gate)
            {
                Done++;
                Steps += outcome.Steps;
                Calls += outcome.Calls;
                if (outcome.Failure is not null)
                    _failed.Add(outcome);
                Tell(outcome);
            }
        }
    }

    // A failure of a long run at once, and each minute how far it is.
    private void Tell(Outcome outcome)
    {
        if (outcome.Failure is not null && keepsGoing)
            Console.Error.WriteLine($"seed {outcome.Seed}, step {outcome.Steps}: {outcome.Failure}");
        if (_watch.Elapsed < _toldAt + TimeSpan.FromMinutes(1))
            return;
        _toldAt = _watch.Elapsed;
        Console.Error.WriteLine($"{Done} of {histories} histories, {_failed.Count} failed");
    }

    private int? Take()
    {
        lock (_gate)
        {
            if ((_failed.Count > 0 && !keepsGoing) || _next == histories || _watch.Elapsed > limit)
                return null;
            return firstSeed + _next++;
        }
    }
}
