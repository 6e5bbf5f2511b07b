using Holdfast.Doctor.Scan;
using Holdfast.Server.Http;

namespace Holdfast.Commands;

/// <summary>A scan's progress: told by many readers at once, shown a few times a second.</summary>
internal sealed class ScanProgressDisplay(TextWriter writer) : IDisposable
{
    private static readonly TimeSpan BetweenTellings = TimeSpan.FromMilliseconds(200);

    private readonly ProgressDisplay _display = new(writer, !Console.IsErrorRedirected, TimeProvider.System);
    private readonly object _gate = new();
    private long _last;
    private bool _ended;

    public void Show(ScanProgress progress)
    {
        var now = TimeProvider.System.GetTimestamp();
        if (TimeProvider.System.GetElapsedTime(Interlocked.Read(ref _last), now) < BetweenTellings || !Monitor.TryEnter(_gate))
            return;
        try
        {
            Interlocked.Exchange(ref _last, now);
            if (!_ended)
                _display.Show(new AdminProgress(progress.Step, progress.Done, progress.Total, progress.Unit));
        }
        finally
        {
            Monitor.Exit(_gate);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _ended = true;
            _display.Dispose();
        }
    }
}
