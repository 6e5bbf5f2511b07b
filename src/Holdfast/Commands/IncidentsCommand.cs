using System.CommandLine;
using System.Globalization;
using System.Text;
using Holdfast.Server.Incidents;

namespace Holdfast.Commands;

/// <summary><c>holdfast incidents</c></summary>
internal static class IncidentsCommand
{
    // As many as the server gives at once.
    private const int Page = 1_000;

    public static Command Create()
    {
        var all = new Option<bool>("--all") { Description = "Healed ones too; they are kept for 90 days." };
        var kind = new Option<string?>("--kind") { Description = "Only this kind: blob-missing, blob-corrupt, certificate, …", HelpName = "kind" };
        var since = new Option<string?>("--since") { Description = "Only those opened then or later: 2h, 3d, or a time like 2026-11-20T10:00 (UTC).", HelpName = "when" };
        var watch = new Option<bool>("--watch") { Description = "Print each change as it comes, until Ctrl-C; with --json one object a line." };
        var command = AdminCommand.Create(
            "incidents",
            """
            Lists what is wrong: bytes that are missing or damaged, a full disk, a certificate that is about to end, a check that does not run, and what to do about it.
            Exit codes: 0 nothing is open that nobody has acknowledged, 1 something is, 2 the server could not be asked.

              holdfast incidents                                what is open
              holdfast incidents show 7                         all about one, with the tags that it hits
              holdfast incidents acknowledge 7 8                somebody knows: no exit code 1 for these any more
              holdfast incidents --all --since 2h               healed ones too
              holdfast incidents --all --kind blob-missing --json
              holdfast incidents --watch
            """,
            (call, token) => call.Parsed.GetValue(watch)
                ? IncidentsWatch.RunAsync(call, token)
                : ListAsync(call, Query(call.Parsed.GetValue(all), call.Parsed.GetValue(kind), call.Parsed.GetValue(since)), token));
        foreach (var option in (ReadOnlySpan<Option>)[all, kind, since, watch])
            command.Add(option);
        command.Add(CreateShow());
        command.Add(CreateAcknowledge());
        return command;
    }

    private static Command CreateShow()
    {
        var id = new Argument<long>("id") { Description = "Its number, as the list shows it." };
        var command = AdminCommand.Create(
            "show",
            """
            Tells all about one incident: what was found, the tags that can't be pulled because of it, what was tried, and what to do.
            Exit codes: 0 it is healed or acknowledged, 1 it is open, 2 the server could not be asked, or has no such incident.

              holdfast incidents show 7
              holdfast incidents show 7 --json
            """,
            async (call, token) =>
            {
                var report = await call.Connection.GetAsync<IncidentReport>(Path(call.Parsed.GetValue(id)), token);
                await call.PrintAsync(report, IncidentText.Write);
                return report.Incident.State == "open" ? RootCommands.Findings : RootCommands.Fine;
            });
        command.Add(id);
        return command;
    }

    private static Command CreateAcknowledge()
    {
        var ids = new Argument<long[]>("id") { Description = "Their numbers.", Arity = ArgumentArity.OneOrMore };
        var command = AdminCommand.Create(
            "acknowledge",
            """
            Notes that somebody knows of incidents. They stay open until they are healed, and no longer make `holdfast incidents` exit with 1.
            Exit codes: 0 noted, 2 the server could not be asked, or has no such incident.

              holdfast incidents acknowledge 7 8
            """,
            async (call, token) =>
            {
                var noted = new List<IncidentAnswer>();
                foreach (var id in call.Parsed.GetValue(ids)!)
                    noted.Add(await call.Connection.PostAsync<IncidentAnswer>(Path(id) + "/acknowledge", null, token));
                await call.PrintAsync(new Acknowledged(noted), static (text, answer) =>
                {
                    foreach (var incident in answer.Incidents)
                        text.AppendLine(CultureInfo.InvariantCulture, $"{incident.Id}  {incident.State}  {incident.Kind}  {incident.Subject}");
                });
                return RootCommands.Fine;
            });
        command.Add(ids);
        return command;
    }

    private static async Task<int> ListAsync(AdminCall call, string query, CancellationToken token)
    {
        var first = await call.Connection.GetAsync<IncidentPage>($"/api/v1/incidents?{query}", token);
        var incidents = first.Incidents.ToList();
        for (var page = first; page.Next is { } after;)
        {
            page = await call.Connection.GetAsync<IncidentPage>($"/api/v1/incidents?{query}&after={after}", token);
            incidents.AddRange(page.Incidents);
        }
        await call.PrintAsync(first with { Incidents = incidents, Next = null }, IncidentText.Write);
        return first.Open > first.Acknowledged ? RootCommands.Findings : RootCommands.Fine;
    }

    private static string Query(bool all, string? kind, string? since)
    {
        var query = new StringBuilder().Append(CultureInfo.InvariantCulture, $"limit={Page}&state={(all ? "all" : "open")}");
        if (kind is not null)
            query.Append("&kind=").Append(Uri.EscapeDataString(kind));
        if (since is not null)
            query.Append("&since=").Append(Uri.EscapeDataString(since));
        return query.ToString();
    }

    private static string Path(long id) => string.Create(CultureInfo.InvariantCulture, $"/api/v1/incidents/{id}");

    private sealed record Acknowledged(IReadOnlyList<IncidentAnswer> Incidents);
}
