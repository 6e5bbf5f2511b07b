using System.Text.Json;
using Holdfast.Server.Http;
using Holdfast.Server.Incidents;

namespace Holdfast.Commands;

/// <summary><c>holdfast incidents --watch</c>: goes on behind the last change when the server comes back.</summary>
internal static class IncidentsWatch
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    public static async Task<int> RunAsync(AdminCall call, CancellationToken token)
    {
        string? cursor = null;
        var isThere = false;
        while (true)
        {
            try
            {
                await call.Connection.WatchAsync<IncidentChange>(
                    "/api/v1/incidents/watch" + (cursor is null ? "" : $"?after={cursor}"),
                    async change =>
                    {
                        isThere = true;
                        if (change is null)
                            return;
                        cursor = change.Cursor;
                        await call.Output.WriteLineAsync(
                            call.Json ? JsonSerializer.Serialize(change, AdminJson.Answers) : IncidentText.Line(change.Incident));
                    },
                    token);
            }
            catch (AdminFault e) when (isThere)
            {
                isThere = false;
                await call.Parsed.InvocationConfiguration.Error.WriteLineAsync($"holdfast incidents: {e.Message}; trying again");
            }
            catch (AdminFault) when (cursor is not null)
            {
                // It was there before: it will be again.
            }
            await Task.Delay(Pause, token);
        }
    }
}
