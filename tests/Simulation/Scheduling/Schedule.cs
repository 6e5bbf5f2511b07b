using Holdfast.Storage.Blobs;

namespace Simulation.Scheduling;

/// <summary>
/// Decides which of the waiting calls goes on next, by the history's seed: everything runs on the one thread that calls <see cref="RunOne"/>,
/// so that the same seed gives the same history. What the code under test posts (a lock's next holder, a timer) runs right after the call.
/// </summary>
internal sealed class Schedule(Random random) : SynchronizationContext
{
    private readonly List<Call> _waiting = [];
    private readonly Queue<(SendOrPostCallback Callback, object? State)> _posted = new();

    /// <summary>Of a call that can fail, one in this many does; 0: none.</summary>
    public int FaultOneIn { get; set; }

    public Action<string>? Trace { get; set; }

    /// <summary>Has the power gone in the middle of a call? Then nothing goes on.</summary>
    public Func<bool> IsOver { get; set; } = static () => false;

    public bool IsIdle => _waiting.Count == 0 && _posted.Count == 0;

    public int Calls { get; private set; }

    public Call Wait(string what, Faults faults) => new(what, faults, this);

    public void Add(Call call) => _waiting.Add(call);

    /// <summary>Lets one waiting call go on, if there is any.</summary>
    public void RunOne()
    {
        if (_waiting.Count > 0)
        {
            var index = random.Next(_waiting.Count);
            var call = _waiting[index];
            _waiting[index] = _waiting[^1];
            _waiting.RemoveAt(_waiting.Count - 1);
            Calls++;
            call.Fault = DrawFault(call.Faults, FaultOneIn);
            Trace?.Invoke(call.Fault is null ? $"    {call.What}" : $"    {call.What}: {call.Fault.Message}");
            call.Continue();
        }
        if (!IsOver())
            RunPosted();
    }

    /// <summary>Waits for its turn, or until the caller has had enough.</summary>
    public async ValueTask WaitAsync(string what, CancellationToken cancellationToken)
    {
        var call = Wait(what, Faults.None);
        await using (cancellationToken.UnsafeRegister(_ => TakeOut(call), null))
            await call;
        cancellationToken.ThrowIfCancellationRequested();
    }

    public void RunPosted()
    {
        while (_posted.TryDequeue(out var posted))
            posted.Callback(posted.State);
    }

    /// <summary>The process is gone: nothing that waits goes on.</summary>
    public void Abandon()
    {
        _waiting.Clear();
        _posted.Clear();
    }

    public override void Post(SendOrPostCallback d, object? state) => _posted.Enqueue((d, state));

    public override void Send(SendOrPostCallback d, object? state) => d(state);

    public override SynchronizationContext CreateCopy() => this;

    /// <summary>Of what can fail, one in this many does.</summary>
    public IOException? DrawFault(Faults faults, int oneIn) => FaultOneIn > 0 && faults != Faults.None && random.Next(oneIn) == 0 ? Draw(faults) : null;

    private void TakeOut(Call call)
    {
        if (_waiting.Remove(call))
            Post(static call => ((Call)call!).Continue(), call);
    }

    private IOException Draw(Faults faults) => faults.HasFlag(Faults.Full) && (!faults.HasFlag(Faults.InputOutput) || random.Next(2) == 0)
        ? new StoreFullException("simulated: no room", null)
        : new IOException("simulated: input/output error");
}
