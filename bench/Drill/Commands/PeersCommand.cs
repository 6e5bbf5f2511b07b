using Holdfast.Drill.Peers;
using Holdfast.Drill.Servers;

namespace Holdfast.Drill.Commands;

/// <summary>R1 to R10 on us and on docker-registry, as one table.</summary>
internal static class PeersCommand
{
    public static async Task<int> ExecuteAsync(Arguments arguments, CancellationToken token)
    {
        var common = CommonOptions.Read(arguments);
        var only = arguments.All("only");
        arguments.RefuseUnread();
        var rows = new List<PeerRow>();
        foreach (var scenario in Scenario.All.OrderBy(scenario => int.Parse(scenario.Name[1..])).Where(scenario => only.Count == 0 || only.Contains(scenario.Name)))
        {
            CommonOptions.Say($"{scenario.Name} {scenario.Title}");
            rows.Add(new PeerRow(
                scenario.Name, scenario.Title,
                await TryAsync(scenario, common, folder => StartOursAsync(common, folder, scenario, token), token),
                DockerRegistrySubject.IsInstalled ? await TryAsync(scenario, common, folder => StartPeerAsync(folder, token), token) : null));
        }

        if (common.Json)
            return Output.Print(rows, json: true, [.. rows.Where(row => !row.Holdfast.Right).Select(row => row.Name)]);
        Console.WriteLine("| # | Scenario | Holdfast | docker-registry |\n|---|---|---|---|");
        foreach (var row in rows)
            Console.WriteLine($"| {row.Name} | {row.Title} | {Cell(row.Holdfast)} | {(row.DockerRegistry is { } peer ? Cell(peer) : "not installed")} |");
        return rows.TrueForAll(row => row.Holdfast.Right) ? 0 : 1;
    }

    private static async Task<Subject> StartOursAsync(CommonOptions common, string folder, Scenario scenario, CancellationToken token) =>
        await HoldfastSubject.StartAsync(common.Program, folder, scenario.Lease, token);

    private static async Task<Subject> StartPeerAsync(string folder, CancellationToken token) => await DockerRegistrySubject.StartAsync(folder, token);

    private static async Task<Finding> TryAsync(Scenario scenario, CommonOptions common, Func<string, Task<Subject>> startAsync, CancellationToken token)
    {
        using var folder = new WorkFolder(common.Folder, common.Keep);
        await using var subject = await startAsync(folder.Path);
        return await scenario.RunAsync(subject, token);
    }

    private static string Cell(Finding finding) => $"{(finding.Right ? "right" : "**wrong**")}: {finding.What.Replace('|', '/')}";

    private sealed record PeerRow(string Name, string Title, Finding Holdfast, Finding? DockerRegistry);
}
