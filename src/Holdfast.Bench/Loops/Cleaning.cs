using Holdfast.Bench.Http;
using Holdfast.Bench.Report;

namespace Holdfast.Bench.Loops;

/// <summary>Deletes what a call made in one server, as far as the server allows it. Blobs go with the registry's own collection.</summary>
internal static class Cleaning
{
    private const int Connections = 8;

    /// <returns>What is left.</returns>
    public static async Task<Left> RunAsync(Stand stand, BenchPlan plan, CancellationToken token)
    {
        var made = stand.Left;
        var left = new Left(stand.Server.Name, $"{stand.Names.Root}/**", made.Manifests, made.Bytes, 0, null);
        if (!plan.Clean || made.Remembered.Count == 0)
            return left;
        using var halt = new Halt();
        var (deleted, refused) = (0L, (string?)null);
        try
        {
            var manifests = made.Remembered;
            await stand.Target.Grants.AskAsync(Deed.Delete, manifests.Select(static one => one.Repository).Distinct(StringComparer.Ordinal), token);
            await using var stopped = token.Register(halt.Call);
            await Crew.EachAsync(stand.Preparing(halt), manifests.Count, Connections, (connection, number) =>
            {
                var (repository, digest) = manifests[number];
                var status = connection.Exchange(stand.Target.Head("DELETE", Deed.Delete, repository, $"/v2/{repository}/manifests/{digest}")).Status;
                if (status is >= 200 and < 300)
                    Interlocked.Increment(ref deleted);
                else if (status != 404)
                    throw new RequestFailedException($"status {status}") { Status = status };
            });
        }
        catch (RequestFailedException e)
        {
            refused = e.Status == 405 ? "it allows no deletes" : e.Message;
        }
        catch (BenchFault e)
        {
            refused = e.Message;
        }
        return left with { Deleted = deleted, Refused = refused };
    }
}
