using System.Text.Json;
using Holdfast.Server.Http;
using Holdfast.Storage;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Collection;

/// <summary><c>GET /api/v1/collection</c> and <c>POST /api/v1/collection/run</c></summary>
internal sealed class CollectionEndpoint(Collector collector, ContentStores stores)
{
    public async Task GetAsync(AdminRequest request)
    {
        var times = collector.TimesOf(CollectionRun.Due);
        var status = await stores.Metadata.ReadAsync((times, collector.IsAsked), static (db, s) => Read(db, s.times, s.IsAsked), request.Aborted);
        await request.AnswerAsync(status);
    }

    public async Task RunAsync(AdminRequest request)
    {
        var order = await request.ReadJsonAsync<CollectionOrder>();
        if (order.DryRun)
        {
            await request.StreamAsync(async (_, token) => await ForecastAsync(order, token));
            return;
        }
        await request.StreamAsync(async (stream, token) => new CollectionResult(false, order.Emergency, await RunAsync(order, stream, token)));
    }

    private async Task<CollectionFigures> RunAsync(CollectionOrder order, AdminStream stream, CancellationToken cancellationToken)
    {
        var run = new CollectionRun
        {
            Emergency = order.Emergency,
            Progress = figures => stream.ReportAsync(new AdminProgress("reviewing", figures.Reviews, null, "objects")),
        };
        try
        {
            return await collector.RunAsync(run, cancellationToken);
        }
        catch (CollectionBusyException e)
        {
            throw new AdminException(Outcome.AdminConflict, e.Message);
        }
    }

    private ValueTask<CollectionResult> ForecastAsync(CollectionOrder order, CancellationToken cancellationToken)
    {
        var times = collector.TimesOf(new CollectionRun { Emergency = order.Emergency });
        return stores.Metadata.ReadAsync((order, times), static (db, s) => Forecast(db, s.order, s.times), cancellationToken);
    }

    private static CollectionResult Forecast(MetadataSession db, CollectionOrder order, CollectionTimes times)
    {
        var forecast = order.Emergency ? CollectionForecast.Whole(db, times) : CollectionForecast.Now(db, times);
        var due = QueueLengths.Read(db, times);
        return new CollectionResult(true, order.Emergency, new CollectionFigures
        {
            Reviews = due.Trash + due.Manifests + due.Links + due.Blobs,
            PurgedManifests = forecast.Manifests,
            RemovedLinks = forecast.Links,
            RemovedBlobs = forecast.Blobs,
            FreedBytes = forecast.Bytes,
        });
    }

    private static CollectionStatus Read(MetadataSession db, CollectionTimes times, bool running)
    {
        const string TrashBytes = """
            SELECT COALESCE(SUM(b.size), 0) FROM blobs b WHERE b.id IN (
              SELECT m.blob_id FROM trash t JOIN manifests m ON m.id = t.manifest_id AND m.trashed_at IS NOT NULL
              UNION
              SELECT e.blob_id FROM trash t
              JOIN manifests m ON m.id = t.manifest_id AND m.trashed_at IS NOT NULL
              JOIN manifest_blobs e ON e.manifest_id = m.id
              UNION
              SELECT t.blob_id FROM trash t WHERE t.blob_id IS NOT NULL)
            """;
        var check = Checks.Find(db, Collector.CheckName);
        return new CollectionStatus(
            running,
            QueueLengths.Read(db, null),
            QueueLengths.Read(db, times),
            db.Prepare(TrashBytes).QueryLong()!.Value,
            CollectionForecast.Now(db, times).Bytes,
            CollectionForecast.Whole(db, times with { Reviews = times.Reviews with { LeaseMs = long.MinValue / 2 } }).Bytes,
            check is null ? null : new CollectionLastRun(
                DateTimeOffset.FromUnixTimeMilliseconds(check.StartedAtMs),
                DateTimeOffset.FromUnixTimeMilliseconds(check.FinishedAtMs),
                JsonSerializer.Deserialize(check.Detail, CollectionJson.Default.CollectionFigures) ?? new CollectionFigures()));
    }
}
