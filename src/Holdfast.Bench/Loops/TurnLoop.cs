using System.Diagnostics;
using Holdfast.Bench.Http;
using Holdfast.Bench.Measure;

namespace Holdfast.Bench.Loops;

/// <summary>One operation on a connection of its own; what it needs was made before.</summary>
/// <returns>Which part of the workload it was, and the bytes that were moved.</returns>
internal delegate (int Part, long Bytes) Operation(Connection connection);

/// <summary>One thread, one connection, one operation after the other: pushes, what mixes them with pulls, and everything over TLS.</summary>
/// <param name="next">Makes the next operation, before its time is taken; the last one made is never done.</param>
internal sealed class TurnLoop(Course course, Func<Operation> next, bool hashes)
{
    private const long LongestWaitNanoseconds = 50_000_000;

    public Tally Tally { get; } = new();

    public void Run()
    {
        using var connection = course.Connect(hashes);
        // Watches nothing: it waits to the microsecond, which no timer of the framework does.
        using var clock = course.Pace.IsOpen ? new Poll(1) : null;
        var act = next();
        while (course.Pace.TryTake(Stopwatch.GetTimestamp(), out var due) is { } taken)
        {
            if (!taken)
            {
                clock!.Wait(Math.Clamp(Ticks.ToNanoseconds(due - Stopwatch.GetTimestamp()), 0, LongestWaitNanoseconds));
                continue;
            }

            Do(connection, act, due);
            act = next();
        }
    }

    private void Do(Connection connection, Operation act, long due)
    {
        try
        {
            var (part, bytes) = act(connection);
            var now = Stopwatch.GetTimestamp();
            if (course.Counts(due, now))
                Tally.Complete(part, due, now, bytes);
        }
        catch (RequestFailedException problem)
        {
            var now = Stopwatch.GetTimestamp();
            if (!course.Halt.IsCut && course.Counts(due, now))
                Tally.Fail(problem.Message, now);
            if (problem.Status == 0)
                course.Halt.Pause(Course.AfterRefusal);
        }
    }
}
