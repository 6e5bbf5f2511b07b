using Holdfast.Bench.Http;

namespace Holdfast.Bench.Loops;

/// <summary>Threads of their own: they block, and must not wait for, nor take, those of the pool.</summary>
internal static class Crew
{
    // Five hundred of them are common; TLS needs the most.
    private const int StackBytes = 512 * 1024;

    /// <summary>A thread for each; the first fault that one of them ended with is thrown when all have ended.</summary>
    public static async Task RunAsync(IEnumerable<Action> bodies)
    {
        var ends = new List<Task>();
        foreach (var body in bodies)
        {
            var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            ends.Add(end.Task);
            new Thread(() => Run(body, end), StackBytes) { IsBackground = true }.Start();
        }
        await Task.WhenAll(ends);
    }

    /// <summary>Does something for each number from 0 on, on a few connections; the first refusal ends it.</summary>
    public static Task EachAsync(Course course, int count, int connections, Action<Connection, int> act)
    {
        var (next, failed) = (-1, false);
        return RunAsync(Enumerable.Repeat<Action>(Work, Math.Min(count, connections)));

        void Work()
        {
            using var connection = course.Connect();
            try
            {
                for (int i; !failed && !course.Halt.IsCalled && (i = Interlocked.Increment(ref next)) < count;)
                    act(connection, i);
            }
            catch
            {
                failed = true;
                throw;
            }
        }
    }

    private static void Run(Action body, TaskCompletionSource end)
    {
        try
        {
            body();
            end.SetResult();
        }
        catch (Exception e)
        {
            end.SetException(e);
        }
    }
}
