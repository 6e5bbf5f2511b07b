using System.Diagnostics;
using Holdfast.Load.Data;
using Holdfast.Load.Http;
using Holdfast.Load.Measure;

namespace Holdfast.Load.Run;

/// <summary>One thread, one connection, one image after the other.</summary>
internal sealed class PushLoop(RunOptions options, Func<Image> image, Pace pace, long countFrom, string tagPrefix)
{
    private readonly ImagePush _push = new(options.Target, options.Repository, options.Upload);
    private int _pushed;

    public Tally Tally { get; } = new();

    public void Run()
    {
        using var connection = new Connection(options.Target);
        var next = image();
        while (pace.TryTake(Stopwatch.GetTimestamp(), out var due) is { } taken)
        {
            if (!taken)
            {
                Thread.Sleep(TimeSpan.FromSeconds(Math.Max(0, Ticks.ToSeconds(due - Stopwatch.GetTimestamp()))));
                continue;
            }

            try
            {
                _push.Push(connection, next, $"{tagPrefix}-{_pushed++}");
                var now = Stopwatch.GetTimestamp();
                if (due >= countFrom)
                    Tally.Complete(due, now, next.Length);
            }
            catch (RequestFailedException problem)
            {
                Tally.Fail(problem.Message, Stopwatch.GetTimestamp());
            }

            next = image();
        }
    }
}
