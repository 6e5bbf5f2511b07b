using Holdfast.Drill.Peers;
using Holdfast.Drill.Servers;

// Drills load the whole machine, and measure against limits of time: one after the other.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace Holdfast.Drill.Tests;

/// <summary>The real program, which lies beside the tests.</summary>
internal static class Server
{
    public static string Program => Path.Combine(AppContext.BaseDirectory, "holdfast");

    /// <summary>Runs a scenario on a fresh server.</summary>
    public static async Task<Finding> TryAsync(string scenario, CancellationToken token) =>
        await TryAsync(Scenario.Named(scenario), Scenario.Named(scenario).Lease, token);

    public static async Task<Finding> TryAsync(Scenario scenario, TimeSpan lease, CancellationToken token)
    {
        using var folder = new WorkFolder(null, keeps: false);
        await using var subject = await HoldfastSubject.StartAsync(Program, folder.Path, lease, token);
        return await scenario.RunAsync(subject, token);
    }
}
