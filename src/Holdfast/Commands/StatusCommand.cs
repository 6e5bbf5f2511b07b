using System.CommandLine;
using System.Globalization;
using System.Text;
using Holdfast.Server.Admin;

namespace Holdfast.Commands;

/// <summary><c>holdfast status</c></summary>
internal static class StatusCommand
{
    public static Command Create() => AdminCommand.Create(
        "status",
        """
        Says what a running server is: its version, how long it runs, its registries, the room on its disk.
        Exit codes: 0 it runs, 2 it could not be asked.

          holdfast status                                   the server of ./data
          holdfast status --data /srv/registry
          holdfast status --config /etc/holdfast/holdfast.yaml --json
          holdfast status --server https://registry.example:5050 --user ops --password-file secret.txt
        """,
        RunAsync);

    private static async Task<int> RunAsync(AdminCall call, CancellationToken token)
    {
        var status = await call.Connection.GetAsync<ServerStatus>("/api/v1/status", token);
        await call.PrintAsync(status, Describe);
        return RootCommands.Fine;
    }

    private static void Describe(StringBuilder text, ServerStatus status)
    {
        text.AppendLine(CultureInfo.InvariantCulture, $"holdfast {status.Version}, up since {status.StartedAt.UtcDateTime:yyyy-MM-dd HH:mm:ss}Z ({Uptime(status.UptimeSeconds)})");
        text.AppendLine(CultureInfo.InvariantCulture, $"registries: {string.Join(", ", status.Registries)}");
        if (status is { FreeBytes: { } free, TotalBytes: { } total })
        {
            text.AppendLine(
                CultureInfo.InvariantCulture,
                $"disk: {ProgressDisplay.Bytes(free)} free of {ProgressDisplay.Bytes(total)}; pushes are refused below {ProgressDisplay.Bytes(status.ReserveBytes)}");
        }
    }

    private static string Uptime(long seconds) => TimeSpan.FromSeconds(seconds) switch
    {
        { TotalDays: >= 1 } span => $"{span.Days} d {span.Hours} h",
        { TotalHours: >= 1 } span => $"{span.Hours} h {span.Minutes} min",
        { TotalMinutes: >= 1 } span => $"{span.Minutes} min",
        var span => $"{span.Seconds} s",
    };
}
