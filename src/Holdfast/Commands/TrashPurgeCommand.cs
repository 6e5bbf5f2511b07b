using System.CommandLine;
using System.Globalization;
using System.Text;
using Holdfast.Oci;
using Holdfast.Server.Trash;

namespace Holdfast.Commands;

/// <summary><c>holdfast trash purge</c></summary>
internal static class TrashPurgeCommand
{
    private const string Path = "/api/v1/trash/purge";

    private const string Description = """
        Makes deleted things unrestorable now instead of after trash.keep. The room that they take is free after collection.grace.
        THING is as for `trash restore`; all that was ever deleted under that name is meant.
        Exit codes: 0 all is purged, 1 something isn't, since something else needs it or you said no, 2 could not do it.

          holdfast trash purge team/app:v1
          holdfast trash purge --repository 'team/**' --until 3d
          holdfast trash purge --all --dry-run              how much would go
          holdfast trash purge --all --yes
        """;

    private static readonly Argument<string?> Thing = new("thing") { Description = "What to purge.", Arity = ArgumentArity.ZeroOrOne };
    private static readonly Option<bool> All = new("--all") { Description = "Everything in the trash." };
    private static readonly Option<bool> DryRun = new("--dry-run") { Description = "Only say how much would go." };
    private static readonly Option<bool> Yes = new("--yes") { Description = "Don't ask." };

    public static Command Create()
    {
        var command = AdminCommand.Create("purge", Description, RunAsync);
        command.Add(Thing);
        TrashSelectionOptions.AddTo(command);
        foreach (var option in (ReadOnlySpan<Option>)[All, DryRun, Yes])
            command.Add(option);
        return command;
    }

    private static async Task<int> RunAsync(AdminCall call, CancellationToken token)
    {
        var request = Read(call.Parsed);
        if (!request.DryRun && !call.Parsed.GetValue(Yes))
        {
            var plan = await call.RunAsync<PurgeReport>(HttpMethod.Post, Path, request with { DryRun = true }, token);
            if (plan.Purged == 0)
            {
                await call.PrintAsync(plan with { DryRun = false }, Describe);
                return RootCommands.Fine;
            }
            if (!Question.CanBeAsked)
                throw new AdminFault($"{Counted.Of(plan.Purged, "thing")} would be gone for good; say --yes, since there is no terminal to ask at");
            var question = $"{Counted.Of(plan.Purged, "thing")} could never be restored. Purge?";
            if (!await Question.AskAsync(call, question, token))
                return RootCommands.Findings;
            // What was deleted since the question isn't part of the answer.
            request = request with { UpTo = plan.UpTo };
        }
        var report = await call.RunAsync<PurgeReport>(HttpMethod.Post, Path, request, token);
        await call.PrintAsync(report, Describe);
        return report.Held == 0 ? RootCommands.Fine : RootCommands.Findings;
    }

    private static PurgeRequest Read(ParseResult parsed)
    {
        var selection = TrashSelectionOptions.Read(parsed, parsed.GetValue(Thing));
        if (parsed.GetValue(All) && selection != new TrashSelection { Registry = selection.Registry })
            throw new AdminFault("--all is everything, so that nothing else can be named with it; give one of them (--registry goes with either)");
        return new PurgeRequest
        {
            Id = selection.Id,
            Operation = selection.Operation,
            Registry = selection.Registry,
            Repository = selection.Repository,
            Tag = selection.Tag,
            Digest = selection.Digest,
            Since = selection.Since,
            Until = selection.Until,
            Run = selection.Run,
            Cause = selection.Cause,
            All = parsed.GetValue(All),
            DryRun = parsed.GetValue(DryRun),
        };
    }

    private static void Describe(StringBuilder text, PurgeReport report)
    {
        if (report.DryRun)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"{Counted.Of(report.Purged, "thing")} would be purged, but for what something else in the trash needs");
            return;
        }
        foreach (var held in report.HeldThings)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"{held.Id}: {TrashWords.Name(held.Kind, held.Repository, held.Tag, held.Digest)} stays in the trash: "
                + $"an index or a tag there needs it; purge that first");
        }
        text.Append(CultureInfo.InvariantCulture, $"{Counted.Of(report.Purged, "thing")} purged");
        text.AppendLine(report.Held > 0 ? string.Create(CultureInfo.InvariantCulture, $", {report.Held:N0} not") : "");
    }
}
