using System.Collections.Concurrent;
using Holdfast.Server.Http;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Heal;

/// <summary><c>POST /api/v1/heal/run</c>: tries everything that is open now, due or not.</summary>
internal sealed class HealEndpoint(Healer healer)
{
    private const int MaxTried = 100_000;
    private const int MaxTold = 1_000;

    public async Task RunAsync(AdminRequest request)
    {
        await request.ReadJsonAsync<Nothing>();
        await request.StreamAsync(RunAsync);
    }

    private async Task<HealRun> RunAsync(AdminStream stream, CancellationToken token)
    {
        var open = await healer.ListAsync(MaxTried, token);
        var results = new ConcurrentBag<HealResult>();
        await Parallel.ForEachAsync(open, new ParallelOptions { MaxDegreeOfParallelism = Healer.MaxAtOnce, CancellationToken = token }, async (incident, one) =>
        {
            var attempt = await healer.TryAsync(incident, one);
            results.Add(new HealResult(
                incident.Id, incident.Kind.Name(), incident.Subject, attempt.By, attempt.By is null ? attempt.Tried : null));
            await stream.ReportAsync(new AdminProgress("healing", results.Count, open.Count, "incidents"));
        });
        var healed = results.Where(result => result.By is not null).OrderBy(result => result.Id).ToList();
        var left = results.Where(result => result.By is null).OrderBy(result => result.Id).ToList();
        return new HealRun(healed.Count, left.Count, [.. healed.Take(MaxTold)], [.. left.Take(MaxTold)]);
    }

    private sealed record Nothing;
}
