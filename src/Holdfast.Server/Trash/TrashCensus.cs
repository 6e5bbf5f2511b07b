using System.Diagnostics.Metrics;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Trash;

/// <summary>Counts the trash for the metrics: every minute, but so seldom that counting a large one takes at most a hundredth of the time.</summary>
internal sealed class TrashCensus(MetadataDatabase metadata, TimeProvider time)
{
    public static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private const int Share = 100;

    private static readonly Meter Meter = new("Holdfast.Trash");

    private static readonly Gauge<long> Items = Meter.CreateGauge<long>("holdfast_trash_items", description: "Deleted tags, manifests and blob links that can be restored, when last counted.");

    private static readonly Gauge<long> Bytes = Meter.CreateGauge<long>("holdfast_trash_bytes", description: "Bytes of manifests and blobs that nothing but the trash needs, when last counted.");

    private long _counted;
    private TimeSpan _pause;

    public async Task CountAsync(CancellationToken token)
    {
        if (_pause > TimeSpan.Zero && time.GetElapsedTime(_counted) < _pause)
            return;
        var began = time.GetTimestamp();
        var figures = await metadata.ReadAsync(0, static (db, _) => Storage.Metadata.Trash.Measure(db), token);
        Items.Record(figures.Items);
        Bytes.Record(figures.Bytes);
        _counted = time.GetTimestamp();
        _pause = Share * time.GetElapsedTime(began, _counted);
    }
}
