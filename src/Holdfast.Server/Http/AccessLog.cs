using System.Diagnostics.Metrics;
using System.Text;
using System.Threading.Channels;

namespace Holdfast.Server.Http;

/// <summary>
/// One line per request, formatted and written by one background writer from a bounded queue. What exceeds the budget or the queue isn't
/// formatted, only counted (P10); a line then says how many are missing.
/// </summary>
internal sealed class AccessLog : IAsyncDisposable
{
    private const int QueueLength = 4096;

    private readonly Channel<AccessLogLine> _queue = Channel.CreateBounded<AccessLogLine>(
        new BoundedChannelOptions(QueueLength) { SingleReader = true, AllowSynchronousContinuations = false });

    private readonly Meter _meter;
    private readonly Counter<long> _droppedTotal;
    private readonly LineBudget _budget;
    private readonly AccessLogOptions _options;
    private readonly TimeProvider _time;
    private readonly ITimer _summary;
    private readonly Task _writing;
    private long _dropped;

    /// <param name="options">Format, budget and sink.</param>
    /// <param name="scope">Whose metrics the dropped lines count in.</param>
    /// <param name="time">Seconds of the budget, times of the summary lines.</param>
    public AccessLog(AccessLogOptions options, object scope, TimeProvider time)
    {
        _options = options;
        _time = time;
        _budget = new LineBudget(options.MaxLinesPerSecond, time);
        _meter = new Meter("Holdfast.AccessLog", null, null, scope);
        _droppedTotal = _meter.CreateCounter<long>("holdfast_log_dropped_lines_total", null, "Access log lines that exceeded the budget.");
        _droppedTotal.Add(0);
        _summary = time.CreateTimer(static log => ((AccessLog)log!).WriteSummary(), this, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
        _writing = WriteQueueAsync(options.Sink ?? Console.Out);
    }

    /// <returns>False if the line must be left out; it is counted then.</returns>
    public bool TakesLine(bool important)
    {
        if (_budget.TryTake(important))
            return true;
        Drop();
        return false;
    }

    public void Write(AccessLogEntry entry)
    {
        if (!_queue.Writer.TryWrite(entry))
            Drop();
    }

    public async ValueTask DisposeAsync()
    {
        await _summary.DisposeAsync();
        WriteSummary();
        _queue.Writer.TryComplete();
        await _writing;
        _meter.Dispose();
    }

    private void Drop()
    {
        Interlocked.Increment(ref _dropped);
        _droppedTotal.Add(1);
    }

    private void WriteSummary()
    {
        var dropped = Interlocked.Exchange(ref _dropped, 0);
        if (dropped > 0 && !_queue.Writer.TryWrite(new DroppedLines(_time.GetUtcNow(), dropped)))
            Interlocked.Add(ref _dropped, dropped);
    }

    private async Task WriteQueueAsync(TextWriter sink)
    {
        var lines = new StringBuilder();
        while (await _queue.Reader.WaitToReadAsync())
        {
            while (lines.Length < 32 * 1024 && _queue.Reader.TryRead(out var entry))
                AccessLogFormat.Append(lines, entry, _options.Json);

            // Whole lines in one call: the console's writer is locked per call, so that the server's other log lines can't fall into ours.
            var text = lines.ToString();
            lines.Clear();
            try
            {
                await sink.WriteAsync(text);
                await sink.FlushAsync();
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException)
            {
                // Standard output is gone or full. Requests go on; the next line may succeed.
                Drop();
            }
        }
    }
}
