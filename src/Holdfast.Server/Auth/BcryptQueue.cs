using System.Collections.Concurrent;

namespace Holdfast.Server.Auth;

/// <summary>
/// Checks passwords on threads of its own, a bounded number at a time with a bounded number waiting (P10): a bcrypt takes tens of
/// milliseconds, and on the thread pool a storm of logins would hold every thread that pulls need.
/// </summary>
internal sealed class BcryptQueue : IDisposable
{
    /// <summary>One for the process, because what it protects is the process's processors.</summary>
    public static readonly BcryptQueue Shared = new(Math.Clamp(Environment.ProcessorCount / 2, 1, 2), 128);

    private readonly BlockingCollection<Check> _checks;

    public BcryptQueue(int threads, int waiting)
    {
        _checks = new BlockingCollection<Check>(waiting);
        for (var i = 0; i < threads; i++)
            new Thread(Work) { IsBackground = true, Name = $"bcrypt {i}" }.Start();
    }

    /// <summary>Checks a password when a thread is free.</summary>
    /// <returns>False if too many checks wait already; nothing was checked then.</returns>
    public bool TryVerify(byte[] password, string hash, out Task<bool> verified)
    {
        var check = new Check(password, hash, new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously));
        verified = check.Done.Task;
        return _checks.TryAdd(check);
    }

    /// <summary>Lets the threads end after what waits.</summary>
    public void Dispose() => _checks.CompleteAdding();

    private void Work()
    {
        foreach (var check in _checks.GetConsumingEnumerable())
        {
            try
            {
                check.Done.SetResult(Bcrypt.Verify(check.Password, check.Hash));
            }
#pragma warning disable CA1031 // The one who waits gets the exception, whatever it is; the thread goes on for the others.
            catch (Exception e)
#pragma warning restore CA1031
            {
                check.Done.SetException(e);
            }
        }
    }

    private sealed record Check(byte[] Password, string Hash, TaskCompletionSource<bool> Done);
}
