using System.CommandLine;
using System.Globalization;
using System.Text;
using Holdfast.Server.Heal;

namespace Holdfast.Commands;

/// <summary><c>holdfast heal</c></summary>
internal static class HealCommand
{
    private const string Unreadable = "store-unreadable";

    public static Command Create() => AdminCommand.Create(
        "heal",
        """
        Tries now to get right bytes for everything that is missing or damaged: from the other copy of a manifest, then from the donors of the configuration (heal.donors).
        The server does that by itself, at once and then with growing pauses; this doesn't wait for them.
        Exit codes: 0 nothing is left, 1 something could not be healed, 2 the server could not be asked.

          holdfast heal
          holdfast heal --json
        """,
        RunAsync);

    private static async Task<int> RunAsync(AdminCall call, CancellationToken token)
    {
        var run = await call.RunAsync<HealRun>(HttpMethod.Post, "/api/v1/heal/run", null, token);
        await call.PrintAsync(run, Describe);
        return run.LeftCount > 0 ? RootCommands.Findings : RootCommands.Fine;
    }

    private static void Describe(StringBuilder text, HealRun run)
    {
        foreach (var healed in run.Healed)
            text.AppendLine(CultureInfo.InvariantCulture, $"healed  {healed.Kind}  {healed.Subject}  by {healed.By}");
        foreach (var left in run.Left)
            text.AppendLine(CultureInfo.InvariantCulture, $"left    {left.Kind}  {left.Subject}  {left.Why}");
        text.AppendLine(CultureInfo.InvariantCulture, $"{run.HealedCount} healed, {run.LeftCount} left");
        if (run.Left.Any(left => left.Kind == Unreadable))
        {
            text.AppendLine("what can't be read needs no push: see to the disk, its mount and the permissions in the data folder; it is looked at again by itself, and then tried anew");
        }
        if (run.Left.Any(left => left.Kind != Unreadable))
            text.AppendLine("push those images again, or name a donor that has them under heal.donors; `holdfast incidents show ID` tells which tags are hit");
    }
}
