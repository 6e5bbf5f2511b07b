using System.Data.Common;
using System.Globalization;
using Holdfast.Server.Http;
using Holdfast.Storage;
using Holdfast.Storage.Metadata;
using Microsoft.Extensions.Logging;

namespace Holdfast.Server.Incidents;

/// <summary>Writes down the store's time, and tells when the machine's clock does what clocks don't (P8).</summary>
internal sealed partial class ClockWatch(MetadataDatabase metadata, IncidentBook book, StoreTime time, ILogger<ClockWatch> log) : IAsyncDisposable
{
    public static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    /// <summary>The incident's subject when the time has leapt.</summary>
    public const string Leapt = "ahead";

    /// <summary>The incident's subject while the machine's clock is behind the store's time.</summary>
    public const string Behind = "behind";

    // Long enough to be seen by somebody who looks once a day.
    private static readonly TimeSpan Told = TimeSpan.FromDays(1);

    // A machine that slept for minutes, or a clock that is minutes late, is nothing to see to.
    private static readonly TimeSpan Tolerated = TimeSpan.FromHours(1);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var now = time.Look();
        var last = now.Leaps.List.LastOrDefault(static leap => leap.ToMs - leap.FromMs > Tolerated.TotalMilliseconds);
        book.Report(IncidentKind.Clock, Leapt, last.ToMs > now.AgoMs(Told) ? Tell(last) : null);
        book.Report(IncidentKind.Clock, Behind, time.Ahead is var ahead && ahead > Tolerated ? Tell(ahead) : null);
        await time.SaveAsync(metadata, cancellationToken);
    }

    /// <summary>After all else that dates something.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await time.SaveAsync(metadata, CancellationToken.None);
        }
        catch (Exception e) when (e is IOException or DbException or ObjectDisposedException)
        {
            LogNotSaved(log, e);
        }
    }

    private static string Tell(ClockLeap leap) =>
        $"the time went from {At(leap.FromMs)} to {At(leap.ToMs)} at once: the clock was set, or was wrong, or the server lay still. These {Words(TimeSpan.FromMilliseconds(leap.ToMs - leap.FromMs))} "
        + "count for nothing: the trash, graces, leases and retention's ages go on as if they had not been. By hand, `holdfast trash purge` and `holdfast gc run --emergency` still work";

    private static string Tell(TimeSpan ahead) =>
        $"the machine's clock is {Words(ahead)} behind the latest time that this store has dated something by, and nothing is dated before that: new dates are ahead by as much. "
        + "If the clock is wrong, set it right; if it was ahead once and is right now, nothing is to be done, and only the dates that are shown are off";

    private static string Words(TimeSpan span) => span.TotalDays >= 2
        ? string.Create(CultureInfo.InvariantCulture, $"{Math.Round(span.TotalDays)} days")
        : string.Create(CultureInfo.InvariantCulture, $"{Math.Round(span.TotalHours)} hours");

    private static string At(long ms) => DateTimeOffset.FromUnixTimeMilliseconds(ms).UtcDateTime.ToString("yyyy-MM-dd HH:mm'Z'", CultureInfo.InvariantCulture);

    [LoggerMessage(522, LogLevel.Warning, "the store's time could not be written down at the end; the next start goes on from the last minute's")]
    private static partial void LogNotSaved(ILogger log, Exception cause);
}
