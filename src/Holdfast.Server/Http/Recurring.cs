using Microsoft.Extensions.Logging;

namespace Holdfast.Server.Http;

/// <summary>
/// Work that a server does by itself: once soon after the start, then an interval after each end. What it throws is logged, and the next turn
/// comes as if nothing had been.
/// </summary>
internal sealed partial class Recurring : IAsyncDisposable
{
    // What a timer can wait; who sets more wants it hardly ever.
    private static readonly TimeSpan MaxInterval = TimeSpan.FromDays(49);

    private readonly CancellationTokenSource _stopping = new();
    private readonly string _name;
    private readonly ILogger _log;
    private readonly Task _running;

    private Recurring(string name, TimeSpan interval, Func<CancellationToken, Task> work, TimeProvider time, ILogger log)
    {
        (_name, _log) = (name, log);
        _running = RunAsync(interval, work, time);
    }

    public static Recurring Start(string name, TimeSpan interval, Func<CancellationToken, Task> work, TimeProvider time, ILogger log) =>
        new(name, interval, work, time, log);

    /// <summary>Cancels the work and waits for its end.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _running;
        _stopping.Dispose();
    }

    private async Task RunAsync(TimeSpan interval, Func<CancellationToken, Task> work, TimeProvider time)
    {
        await Task.Yield();
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                await work(_stopping.Token);
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                LogFailed(_log, e, _name);
            }
            await Task.Delay(interval < MaxInterval ? interval : MaxInterval, time, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    [LoggerMessage(510, LogLevel.Error, "{Work} failed; it is tried again at its next turn")]
    private static partial void LogFailed(ILogger log, Exception cause, string work);
}
