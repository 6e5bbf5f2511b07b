using System.Diagnostics;
using Holdfast.Storage.Metadata;

namespace Holdfast.Storage.Sqlite;

/// <summary>A change in the queue of <see cref="GroupCommit"/>. It runs, and later, when its batch is committed, its caller hears of it.</summary>
internal abstract class PendingChange
{
    /// <returns>False if the caller no longer wants it; it is then over.</returns>
    public abstract bool TryStart();

    public abstract void Run(MetadataSession session);

    /// <summary>It is durable.</summary>
    public abstract void Complete();

    /// <summary>It was rolled back.</summary>
    public abstract void Fail(Exception error);
}

internal sealed class PendingChange<TState, TResult>(
    TState state, Func<MetadataSession, TState, TResult> change, CancellationToken cancellationToken) : PendingChange
{
    // Asynchronously, since the caller must not go on working on the writer's thread.
    private readonly TaskCompletionSource<TResult> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly long _queuedAt = Stopwatch.GetTimestamp();
    private TResult? _result;

    public Task<TResult> Completion => _completion.Task;

    public override bool TryStart()
    {
        if (!cancellationToken.IsCancellationRequested)
            return true;
        _completion.TrySetCanceled(cancellationToken);
        return false;
    }

    public override void Run(MetadataSession session) => _result = change(session, state);

    public override void Complete()
    {
        StorageMetrics.RecordWrite(Stopwatch.GetElapsedTime(_queuedAt));
        _completion.TrySetResult(_result!);
    }

    public override void Fail(Exception error) => _completion.TrySetException(error);
}
