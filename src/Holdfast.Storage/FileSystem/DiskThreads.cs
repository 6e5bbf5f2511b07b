namespace Holdfast.Storage.FileSystem;

/// <summary>
/// Threads for calls that wait for the disk. On the shared pool, which starts with one thread per core, sixteen commits would sync one
/// after the other and requests that need no disk would wait behind them; here they wait together, and the journal groups them.
/// </summary>
internal sealed class DiskThreads : IDisposable
{
    private const int MaxThreads = 32;
    private const int StackBytes = 256 * 1024;

    private readonly object _gate = new();
    private readonly Queue<Work> _queue = new();
    private int _threads;
    private int _idle;
    private bool _stopped;

    public Task<TResult> RunAsync<TState, TResult>(TState state, Func<TState, TResult> work)
    {
        var item = new Work<TState, TResult>(state, work);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_stopped, this);
            _queue.Enqueue(item);
            if (_queue.Count > _idle && _threads < MaxThreads)
            {
                _threads++;
                new Thread(Loop, StackBytes) { IsBackground = true, Name = "disk" }.Start();
            }
            else
            {
                Monitor.Pulse(_gate);
            }
        }
        return item.Completion;
    }

    public Task RunAsync<TState>(TState state, Action<TState> work) => RunAsync((state, work), static call =>
    {
        call.work(call.state);
        return 0;
    });

    /// <summary>Takes no more work; what is queued is still done.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _stopped = true;
            Monitor.PulseAll(_gate);
        }
    }

    private void Loop()
    {
        while (Take() is { } work)
            work.Run();
    }

    private Work? Take()
    {
        lock (_gate)
        {
            while (_queue.Count == 0)
            {
                if (_stopped)
                    return null;
                _idle++;
                Monitor.Wait(_gate);
                _idle--;
            }
            return _queue.Dequeue();
        }
    }

    private abstract class Work
    {
        public abstract void Run();
    }

    private sealed class Work<TState, TResult>(TState state, Func<TState, TResult> work) : Work
    {
        private readonly TaskCompletionSource<TResult> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<TResult> Completion => _completion.Task;

        public override void Run()
        {
            try
            {
                _completion.SetResult(work(state));
            }
            catch (Exception e)
            {
                _completion.SetException(e);
            }
        }
    }
}
