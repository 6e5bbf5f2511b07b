using System.Diagnostics;
using Holdfast.Drill.Checks;
using Holdfast.Drill.Ledgers;
using Holdfast.Drill.Protocol;
using Holdfast.Drill.Servers;
using Holdfast.Drill.Traffic;

namespace Holdfast.Drill.Database;

/// <summary>
/// Loses holdfast.db in every way while images are there, starts the real server again, and pulls everything: nothing that was acknowledged is lost, and
/// nothing that was deleted is back.
/// </summary>
internal sealed class DatabaseDrill(DatabaseOptions options)
{
    private const int MostFaults = 50;

    private readonly Ledger _ledger = new();
    private readonly Random _random = new(options.Seed);

    public async Task<DatabaseResult> RunAsync(CancellationToken token)
    {
        var since = Stopwatch.StartNew();
        using var folder = new WorkFolder(options.Parent, options.Keep);
        using var server = new HoldfastServer(options.Program, folder.Path);
        // Trash and grace as people have them, so that a restored older database would show deleted things.
        server.Settings["collection"] = "{ grace: 1h }";
        server.Settings["trash"] = "{ keep: 1h }";
        var (losses, faults) = (new List<LossResult>(), new List<string>());
        await server.StartAsync(token);
        foreach (var kind in Enum.GetValues<DatabaseLoss>())
        {
            await WorkAsync(server, token);
            await server.StopAsync();
            var older = CopyDatabase(server.Data, folder.Sub($"older-{kind}"));
            await server.StartAsync(token);
            await WorkAsync(server, token);
            // A crash, too: whatever the loss leaves, it isn't tidy.
            await server.KillAsync();
            DatabaseLosses.Inflict(kind, server.Data, older, _random);
            var (end, seconds) = await StartAgainAsync(server, token);
            var verification = new Verification(_ledger, server.Client, _random) { ReadsEverything = true };
            await verification.RunAsync(token);
            losses.Add(new LossResult(kind.ToString(), end, seconds, verification.Tags, verification.Manifests, verification.Faults.Count));
            faults.AddRange(verification.Faults.Select(fault => $"{kind}: {fault}"));
            options.Say(losses[^1].ToString());
        }

        if (faults.Count > 0)
            faults.Add($"the end of the server's log:\n{server.LogEnd()}");
        await server.StopAsync();
        return new DatabaseResult(options.Seed, _ledger.Acknowledged, losses, since.Elapsed.TotalSeconds, [.. faults.Take(MostFaults)]);
    }

    private async Task WorkAsync(HoldfastServer server, CancellationToken token)
    {
        using var client = new RegistryClient(server.Address);
        var pusher = new Pusher(client, _ledger, new PusherSettings(_random.Next(), ["drill/one", "drill/two"], Tags: 12, LayerBytes: 4000));
        var deleter = new Deleter(client, _ledger, _random.Next());
        for (var i = 0; i < options.Pushes; i++)
        {
            await pusher.PushOneAsync(token);
            if (i % 4 == 0)
                await deleter.DeleteOneAsync(token);
        }

        var faults = pusher.Counts.Faults.Concat(deleter.Counts.Faults).ToList();
        if (faults.Count > 0)
            throw new DrillException(string.Join('\n', faults));
    }

    /// <summary>It comes up by itself; or it says that it won't, and `holdfast rebuild` is what it asks for.</summary>
    private static async Task<(string End, double Seconds)> StartAgainAsync(HoldfastServer server, CancellationToken token)
    {
        var since = Stopwatch.StartNew();
        try
        {
            await server.StartAsync(token);
            return ("started", since.Elapsed.TotalSeconds);
        }
        catch (DrillException refused) when (!server.IsRunning)
        {
            if (!refused.Message.Contains("holdfast rebuild", StringComparison.Ordinal))
                throw;
            var (code, output) = await server.RunCommandAsync(["rebuild", "--data", server.Data], token);
            if (code == 2)
                throw new DrillException($"rebuild ended with {code}: {output}");
            await server.StartAsync(token);
            return ("refused, then rebuilt", since.Elapsed.TotalSeconds);
        }
    }

    private static string CopyDatabase(string data, string folder)
    {
        foreach (var file in Directory.GetFiles(data, "holdfast.db*"))
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        return folder;
    }
}
