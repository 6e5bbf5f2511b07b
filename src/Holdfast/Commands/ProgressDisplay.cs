using System.Globalization;
using Holdfast.Server.Http;

namespace Holdfast.Commands;

/// <summary>
/// Long work's progress with rate and time left: on a terminal one line that changes, elsewhere a line every few seconds. Work under a second shows nothing.
/// </summary>
internal sealed class ProgressDisplay(TextWriter writer, bool isTerminal, TimeProvider time) : IDisposable
{
    private const string EraseLine = "\r\x1b[K";
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan BetweenLines = TimeSpan.FromSeconds(5);

    private readonly long _began = time.GetTimestamp();
    private string? _step;
    private long _stepBegan;
    private long _doneBefore;
    private long? _shown;
    private bool _stands;

    public void Show(AdminProgress progress)
    {
        var now = time.GetTimestamp();
        if (progress.Step != _step)
        {
            // Work that was taken up again begins with what was done before, which says nothing about its rate.
            (_step, _stepBegan, _doneBefore) = (progress.Step, now, progress.Done);
        }
        if (time.GetElapsedTime(_began, now) < Quiet || (!isTerminal && _shown is { } shown && time.GetElapsedTime(shown, now) < BetweenLines))
            return;
        _shown = now;
        var text = Describe(progress, progress.Done - _doneBefore, time.GetElapsedTime(_stepBegan, now));
        if (isTerminal)
            writer.Write(EraseLine + text);
        else
            writer.WriteLine(text);
        writer.Flush();
        _stands = isTerminal;
    }

    /// <summary>Takes the line away again, so that what is printed next begins on an empty one.</summary>
    public void Clear()
    {
        if (!_stands)
            return;
        writer.Write(EraseLine);
        writer.Flush();
        _stands = false;
    }

    public void Dispose() => Clear();

    /// <param name="doneSince">So many of the unit in <paramref name="elapsed"/>.</param>
    internal static string Describe(AdminProgress progress, long doneSince, TimeSpan elapsed)
    {
        var bytes = progress.Unit == "bytes";
        var unit = bytes ? "" : " " + ((progress.Total ?? progress.Done) == 1 ? One(progress.Unit) : progress.Unit);
        var text = $"{progress.Step}: {Amount(progress.Done, bytes)}";
        if (progress.Total is { } total)
            text += $" of {Amount(total, bytes)}{unit}{Percent(progress.Done, total)}";
        else
            text += unit;
        if (elapsed < Quiet || doneSince <= 0)
            return text;
        var rate = doneSince / elapsed.TotalSeconds;
        text += $", {Amount((long)rate, bytes)}/s";
        if (progress.Total is { } all && all > progress.Done)
            text += $", {Span(TimeSpan.FromSeconds(Math.Min((all - progress.Done) / rate, TimeSpan.FromDays(365).TotalSeconds)))} left";
        return text;
    }

    private static string One(string unit) => unit.EndsWith("ies", StringComparison.Ordinal) ? unit[..^3] + "y" : unit.TrimEnd('s');

    private static string Percent(long done, long total) => total > 0 ? string.Create(CultureInfo.InvariantCulture, $" ({Math.Min(100, 100.0 * done / total):0} %)") : "";

    private static string Amount(long value, bool bytes) => bytes ? Bytes(value) : value.ToString("N0", CultureInfo.InvariantCulture);

    private static string Span(TimeSpan span) => span switch
    {
        { TotalHours: >= 1 } => string.Create(CultureInfo.InvariantCulture, $"{(int)span.TotalHours} h {span.Minutes} min"),
        { TotalMinutes: >= 1 } => string.Create(CultureInfo.InvariantCulture, $"{span.Minutes} min {span.Seconds} s"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(span.TotalSeconds):0} s"),
    };

    /// <summary>1.4 GiB; whole bytes below a KiB.</summary>
    internal static string Bytes(long bytes)
    {
        string[] units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
        var (value, unit) = ((double)bytes, 0);
        for (; value >= 1024 && unit < units.Length - 1; unit++)
            value /= 1024;
        return unit == 0 ? $"{bytes} B" : string.Create(CultureInfo.InvariantCulture, $"{value:0.0} {units[unit]}");
    }
}
