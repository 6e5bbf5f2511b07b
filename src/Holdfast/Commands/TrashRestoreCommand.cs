using System.CommandLine;
using System.Globalization;
using System.Text;
using Holdfast.Oci;
using Holdfast.Server.Trash;
using Holdfast.Storage.Metadata;

namespace Holdfast.Commands;

/// <summary><c>holdfast trash restore</c></summary>
internal static class TrashRestoreCommand
{
    private const string Path = "/api/v1/trash/restore";

    private const string Description = """
        Makes deleted things live again as they were: a tag with its manifest, a manifest with all that it needs and the tags that went with it.
        THING is an ID or OPERATION of `holdfast trash list`, REPOSITORY:TAG or REPOSITORY@DIGEST (what was deleted last under that name). Without it, the options
        say what, and all of that is restored.
        A tag that points elsewhere by now is only overwritten if you say so; what it points at then goes to the trash in turn.
        Exit codes: 0 all is restored, 1 something isn't, or misses bytes, 2 could not do it.

          holdfast trash restore team/app:v1
          holdfast trash restore team/app:v1 --to v1-old
          holdfast trash restore team/app:v1 --force
          holdfast trash restore 4711 --dry-run
          holdfast trash restore --run RUN                  undoes a retention run
          holdfast trash restore --repository 'team/**' --since 2h
        """;

    private static readonly Argument<string?> Thing = new("thing") { Description = "What to restore.", Arity = ArgumentArity.ZeroOrOne };
    private static readonly Option<string?> To = new("--to") { Description = "Put the tag back under this name.", HelpName = "tag" };
    private static readonly Option<bool> Force = new("--force") { Description = "Put tags back even if they point elsewhere by now." };
    private static readonly Option<bool> DryRun = new("--dry-run") { Description = "Only say what would be restored." };
    private static readonly Option<bool> Yes = new("--yes") { Description = "Don't ask whether to restore several things." };

    public static Command Create()
    {
        var command = AdminCommand.Create("restore", Description, RunAsync);
        command.Add(Thing);
        TrashSelectionOptions.AddTo(command);
        foreach (var option in (ReadOnlySpan<Option>)[To, Force, DryRun, Yes])
            command.Add(option);
        return command;
    }

    private static async Task<int> RunAsync(AdminCall call, CancellationToken token)
    {
        var request = Read(call.Parsed);
        if (!request.DryRun && IsTerminal(call) && !call.Parsed.GetValue(Yes) && call.Parsed.GetValue(Thing) is null && !await ConfirmAsync(call, request, token))
            return RootCommands.Findings;
        var report = await call.RunAsync<RestoreReport>(HttpMethod.Post, Path, request, token);
        if (await AskAboutMovedAsync(call, request, report, token) is { } again)
            report = again;
        await call.PrintAsync(report, (text, said) => Describe(text, said, request.Force));
        return report.Failed + report.Damaged == 0 ? RootCommands.Fine : RootCommands.Findings;
    }

    private static RestoreRequest Read(ParseResult parsed)
    {
        var thing = parsed.GetValue(Thing);
        var selection = TrashSelectionOptions.Read(parsed, thing);
        return new RestoreRequest
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
            Latest = thing is not null && selection.Repository is not null,
            To = parsed.GetValue(To),
            Force = parsed.GetValue(Force),
            DryRun = parsed.GetValue(DryRun),
        };
    }

    private static bool IsTerminal(AdminCall call) => Question.CanBeAsked && !call.Json;

    private static async Task<bool> ConfirmAsync(AdminCall call, RestoreRequest request, CancellationToken token)
    {
        var plan = await call.RunAsync<RestoreReport>(HttpMethod.Post, Path, request with { DryRun = true }, token);
        var question = $"{Counted.Of(plan.Restored, "thing")} would be live again{(plan.Failed > 0 ? $", {plan.Failed} not" : "")}. Restore?";
        return await Question.AskAsync(call, question, token);
    }

    // One tag that points elsewhere is worth a question; of many, the report tells how to go on.
    private static async Task<RestoreReport?> AskAboutMovedAsync(AdminCall call, RestoreRequest request, RestoreReport report, CancellationToken token)
    {
        if (request.DryRun || !IsTerminal(call) || report.Things.Where(thing => thing.Outcome == RestoreOutcome.TagMoved).ToList() is not [var moved])
            return null;
        var question = $"{moved.Repository}:{moved.Tag} points at {TrashWords.Short(moved.Present!)} by now. Put {TrashWords.Short(moved.Digest)} back in its place (the other goes to the trash)?";
        if (!await Question.AskAsync(call, question, token))
            return null;
        // By its row: what else was named is restored already.
        var force = new RestoreRequest { Id = moved.Id, To = null, Force = true };
        var forced = await call.RunAsync<RestoreReport>(HttpMethod.Post, Path, force, token);
        return new RestoreReport(
            false,
            report.Restored + forced.Restored,
            report.Failed - 1 + forced.Failed,
            report.Damaged + forced.Damaged,
            [.. report.Things.Where(thing => thing.Id != moved.Id), .. forced.Things]);
    }

    private static void Describe(StringBuilder text, RestoreReport report, bool isForced)
    {
        foreach (var thing in report.Things)
            Describe(text, thing, report.DryRun, isForced);
        text.Append(CultureInfo.InvariantCulture, $"{Counted.Of(report.Restored, "thing")} {(report.DryRun ? "would be " : "")}restored");
        if (report.Failed > 0)
            text.Append(CultureInfo.InvariantCulture, $", {report.Failed:N0} not");
        if (report.Damaged > 0)
            text.Append(CultureInfo.InvariantCulture, $", {report.Damaged:N0} of them missing bytes");
        text.AppendLine();
    }

    private static void Describe(StringBuilder text, RestoreEntry thing, bool dryRun, bool isForced)
    {
        var name = TrashWords.Name(thing.Kind, thing.Repository, thing.Tag, thing.Digest);
        text.AppendLine(thing.Outcome switch
        {
            RestoreOutcome.Restored when thing.Present is { } present => $"{name}: {Done(dryRun)}, in place of {present}, which {(dryRun ? "would go" : "went")} to the trash",
            RestoreOutcome.Restored when thing.Tag is not null => $"{name}: {Done(dryRun)}, at {thing.Digest}",
            RestoreOutcome.Restored => $"{name}: {Done(dryRun)}",
            RestoreOutcome.AlreadyThere => $"{name}: is there already, at {thing.Digest}",
            RestoreOutcome.TagMoved => $"{name}: not restored, since the tag points at {thing.Present} by now; "
                + $"put {TrashWords.Short(thing.Digest)} back under another name with --to TAG"
                // Forcing fails for what must not be moved, and for an older one of two under the same name.
                + (isForced ? "; --force doesn't move a tag that is immutable (retention.immutableTags), nor one that was put back just now" : ", or in its place with --force"),
            _ => $"{thing.Id}: not in the trash any more: restored or purged meanwhile",
        });
        if (thing.Damaged.Count > 0)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"  but bytes that it needs are missing or damaged ({string.Join(", ", thing.Damaged.Take(20))}"
                + $"{(thing.Damaged.Count > 20 ? $" and {thing.Damaged.Count - 20} more" : "")}); push it again to heal it, and see `holdfast incidents`");
        }
    }

    private static string Done(bool dryRun) => dryRun ? "would be restored" : "restored";
}
