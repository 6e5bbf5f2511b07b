using System.Globalization;
using Holdfast.Server.Http;
using Holdfast.Storage;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Trash;

/// <summary><c>GET /api/v1/trash</c>, <c>POST /api/v1/trash/restore</c>, <c>POST /api/v1/trash/purge</c> (P7)</summary>
internal sealed class TrashEndpoint(MetadataDatabase metadata, TrashRestorer restorer, TrashOptions options, StoreTime time)
{
    private const int MaxPage = 1_000;
    private const int DefaultPage = 100;

    // What one transaction does, so that pushes wait for a purge of many for a few milliseconds at most.
    private const int Chunk = 200;

    private readonly TrashSelector _selector = new(metadata, time);

    public async Task ListAsync(AdminRequest request)
    {
        var limit = TrashSelector.Number(request, "limit") ?? DefaultPage;
        if (limit > MaxPage)
            throw TrashSelector.Invalid(string.Create(CultureInfo.InvariantCulture, $"limit: at most {MaxPage} to a page; go on with after"));
        var after = TrashSelector.Number(request, "after") ?? long.MaxValue;
        var filter = await _selector.ParseAsync(TrashSelector.Read(request), request.Aborted);
        var page = await metadata.ReadAsync(
            (filter, after, limit: (int)limit), static (db, s) => Storage.Metadata.Trash.List(db, s.filter, s.after, s.limit), request.Aborted);
        var now = time.Look();
        await request.AnswerAsync(new TrashListing([.. page.Items.Select(item => Entry(item, now))], page.HasMore ? page.Items[^1].Id : null));
    }

    public async Task RestoreAsync(AdminRequest request)
    {
        var body = await request.ReadJsonAsync<RestoreRequest>();
        var filter = await _selector.ParseAsync(body, request.Aborted);
        if (filter.IsEverything)
            throw TrashSelector.Invalid("say what to restore: an id, an operation, a tag or digest of a repository, a run, or since when it was deleted");
        if (body.To is not null && body.Force)
            throw TrashSelector.Invalid("to and force: only one of them can be meant");
        var terms = new RestoreTerms(
            body.To is null ? null : TrashSelector.ParseTag(body.To, "to"),
            body.Force ? Deletions.By(request.Caller, DeletionCause.Client) : null);
        var ids = await _selector.FindAsync(filter, body.Latest, mayBeNone: false, request.Aborted);
        if (body.To is not null)
            await restorer.CheckOneTagAsync(ids, request.Aborted);
        await request.StreamAsync((stream, token) => restorer.RestoreAsync(ids, terms, body.DryRun, request.Caller, stream, token));
    }

    public async Task PurgeAsync(AdminRequest request)
    {
        var body = await request.ReadJsonAsync<PurgeRequest>();
        var filter = await _selector.ParseAsync(body, request.Aborted);
        if (filter.IsEverything && !body.All)
            throw TrashSelector.Invalid("say what to purge: an id, an operation, a tag, digest or repository, a run, since or until when it was deleted, or all");
        // A job that purges what is old has nothing to do on some days; who names one thing means that it is there.
        var mayBeNone = (filter with { Registry = null, Repositories = new TrashFilter().Repositories, SinceMs = null, UntilMs = null, Cause = null }).IsEverything;
        var found = await _selector.FindAsync(filter, latest: false, mayBeNone, request.Aborted);
        // Oldest first: what holds something went into the trash before it.
        var ids = found.Where(id => id <= (body.UpTo ?? long.MaxValue)).Reverse().ToList();
        await request.StreamAsync((stream, token) => body.DryRun
            ? Task.FromResult(new PurgeReport(true, ids.Count, 0, ids.Count > 0 ? ids[^1] : null, []))
            : PurgeAsync(ids, request.Caller, stream, token));
    }

    private async Task<PurgeReport> PurgeAsync(List<long> ids, string caller, AdminStream stream, CancellationToken token)
    {
        var (purged, done) = (0, 0);
        var held = new List<long>();
        foreach (var chunk in ids.Chunk(Chunk))
        {
            var outcomes = await metadata.WriteAsync(
                (chunk, now: time.GetUtcNow().ToUnixTimeMilliseconds()),
                static (db, s) => s.chunk.Select(id => (id, Purges.Purge(db, id, s.now).Outcome)).ToList(),
                token);
            purged += outcomes.Count(one => one.Outcome == PurgeOutcome.Purged);
            held.AddRange(outcomes.Where(one => one.Outcome == PurgeOutcome.Held).Select(one => one.id));
            done += chunk.Length;
            await stream.ReportAsync(new AdminProgress("purging", done, ids.Count, "things"));
        }
        restorer.NotePurge(caller, purged, held.Count);
        return new PurgeReport(false, purged, held.Count, null, await EntriesAsync(held.Take(MaxPage), token));
    }

    private async Task<List<TrashEntry>> EntriesAsync(IEnumerable<long> ids, CancellationToken token)
    {
        var items = await metadata.ReadAsync(
            ids,
            static (db, ids) => ids.SelectMany(id => Storage.Metadata.Trash.List(db, new TrashFilter { Id = id }, long.MaxValue, 1).Items).ToList(),
            token);
        var now = time.Look();
        return [.. items.Select(item => Entry(item, now))];
    }

    private TrashEntry Entry(TrashItem item, StoreMoment now) => new(
        item.Id,
        item.Kind,
        item.Registry,
        item.Repository.Name.ToString(),
        item.Tag?.ToString(),
        item.Digest.ToString(),
        item.SizeBytes,
        DateTimeOffset.FromUnixTimeMilliseconds(item.DeletedAtMs),
        DateTimeOffset.FromUnixTimeMilliseconds(now.AfterMs(item.DeletedAtMs, options.Keep)),
        item.Deletion.Operation,
        item.Deletion.Cause,
        item.Deletion.Actor,
        item.Deletion.Run);
}
