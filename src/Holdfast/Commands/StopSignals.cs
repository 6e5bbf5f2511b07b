using System.Runtime.InteropServices;

namespace Holdfast.Commands;

/// <summary>SIGTERM and SIGINT, counted: the first asks to drain, the second to stop at once.</summary>
internal sealed class StopSignals : IDisposable
{
    private readonly TaskCompletionSource first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource second = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly PosixSignalRegistration terminate;
    private readonly PosixSignalRegistration interrupt;

    public StopSignals()
    {
        terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Note(context, 15));
        interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => Note(context, 2));
    }

    public Task First => first.Task;

    public Task Second => second.Task;

    /// <summary>The number of the last signal, as exit codes carry it.</summary>
    public int Number { get; private set; }

    public void Dispose()
    {
        terminate.Dispose();
        interrupt.Dispose();
    }

    private void Note(PosixSignalContext context, int number)
    {
        context.Cancel = true;
        Number = number;
        if (!first.TrySetResult())
            second.TrySetResult();
    }
}
