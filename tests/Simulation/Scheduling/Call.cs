using System.Runtime.CompilerServices;

namespace Simulation.Scheduling;

/// <summary>A call to a store that waits for its turn. Awaited, it returns when the schedule lets it, or throws the fault that it drew.</summary>
internal sealed class Call : INotifyCompletion
{
    /// <summary>Goes on at once: of a store that no schedule runs.</summary>
    public static readonly Call Done = new("", Faults.None) { IsCompleted = true };

    private Action? _continuation;
    private readonly Schedule? _schedule;

    public Call(string what, Faults faults, Schedule? schedule = null) => (What, Faults, _schedule) = (what, faults, schedule);

    public string What { get; }

    /// <summary>What may go wrong here.</summary>
    public Faults Faults { get; }

    public Exception? Fault { get; set; }

    public bool IsCompleted { get; private init; }

    public Call GetAwaiter() => this;

    public void OnCompleted(Action continuation)
    {
        _continuation = continuation;
        _schedule!.Add(this);
    }

    public void GetResult()
    {
        if (Fault is not null)
            throw Fault;
    }

    public void Continue() => _continuation!();
}

[Flags]
internal enum Faults
{
    None = 0,

    /// <summary>The disk says no.</summary>
    InputOutput = 1,

    /// <summary>The disk is full.</summary>
    Full = 2,

    Any = InputOutput | Full,
}
