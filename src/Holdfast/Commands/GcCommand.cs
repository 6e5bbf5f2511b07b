using System.CommandLine;
using System.Globalization;
using System.Text;
using Holdfast.Oci;
using Holdfast.Server.Collection;

namespace Holdfast.Commands;

/// <summary><c>holdfast gc run|status</c></summary>
internal static class GcCommand
{
    public static Command Create() => new("gc", """
        Frees what nothing refers to any more. The server does it by itself, beside all traffic; these commands look at it and hurry it.

          holdfast gc status                                what waits to be freed
          holdfast gc run                                   frees now what is due
          holdfast gc run --emergency --dry-run             what emptying the trash would free, for a full disk
        """)
    {
        CreateRun(),
        CreateStatus(),
    };

    private static Command CreateStatus() => AdminCommand.Create(
        "status",
        """
        Says what waits in the trash and to be reviewed, what of it is due, what would be freed, and when the collection last ran.
        Exit codes: 0 the server answered, 2 it could not be asked.

          holdfast gc status
          holdfast gc status --data /srv/registry --json
        """,
        async (call, token) =>
        {
            await call.PrintAsync(await call.Connection.GetAsync<CollectionStatus>("/api/v1/collection", token), Describe);
            return RootCommands.Fine;
        });

    private static Command CreateRun()
    {
        var dryRun = new Option<bool>("--dry-run") { Description = "Only say what would be freed." };
        var emergency = new Option<bool>("--emergency")
        {
            Description = "For a full disk: empties the whole trash and reviews everything without its grace. What was deleted can't be restored then.",
        };
        var yes = new Option<bool>("--yes") { Description = "With --emergency: don't ask." };
        var command = AdminCommand.Create(
            "run",
            """
            Collects what is due now, at full speed in an emergency, and says what it did. Whatever is tagged, listed, used or leased stays in any case.
            Exit codes: 0 done, 1 something could not be removed (an incident tells what) or you said no, 2 it could not be done.

              holdfast gc run
              holdfast gc run --dry-run --json
              holdfast gc run --emergency --dry-run             what an emergency run would free
              holdfast gc run --emergency                       frees it: deletes can't be undone afterwards
            """,
            (call, token) =>
            {
                var order = new CollectionOrder(call.Parsed.GetValue(dryRun), call.Parsed.GetValue(emergency));
                return RunAsync(call, order, call.Parsed.GetValue(yes), token);
            });
        command.Add(dryRun);
        command.Add(emergency);
        command.Add(yes);
        return command;
    }

    private static async Task<int> RunAsync(AdminCall call, CollectionOrder order, bool yes, CancellationToken token)
    {
        if (order is { Emergency: true, DryRun: false } && !yes && !await ConfirmAsync(call, token))
            return RootCommands.Findings;
        var result = await call.RunAsync<CollectionResult>(HttpMethod.Post, "/api/v1/collection/run", order, token);
        await call.PrintAsync(result, Describe);
        return result.Figures is { Refused: 0, Unreadable: 0 } ? RootCommands.Fine : RootCommands.Findings;
    }

    private static async Task<bool> ConfirmAsync(AdminCall call, CancellationToken token)
    {
        if (!Question.CanBeAsked)
            throw new AdminFault("--emergency empties the trash for good; give --yes to confirm, or --dry-run to see what it would free");
        var forecast = await call.RunAsync<CollectionResult>(HttpMethod.Post, "/api/v1/collection/run", new CollectionOrder(true, true), token);
        var question = $"This frees {ProgressDisplay.Bytes(forecast.Figures.FreedBytes)}. What was deleted can't be restored afterwards. Go on?";
        return await Question.AskAsync(call, question, token);
    }

    private static void Describe(StringBuilder text, CollectionResult result)
    {
        var figures = result.Figures;
        if (result.DryRun)
        {
            Line(text, $"would free {ProgressDisplay.Bytes(figures.FreedBytes)}: {Counted.Of(figures.RemovedBlobs, "blob")}");
            Line(text, $"due in the trash and the queues: {Counted.Of(figures.Reviews, "object")}");
            return;
        }
        Line(text, $"freed {ProgressDisplay.Bytes(figures.FreedBytes)}: {Counted.Of(figures.RemovedBlobs, "blob")}; {Counted.Of(figures.RemovedLinks, "link")} of repositories went");
        Line(text, $"out of the trash: {Counted.Of(figures.PurgedManifests, "manifest")}, {Counted.Of(figures.PurgedTags, "tag")}, {Counted.Of(figures.PurgedLinks, "blob")}");
        Line(text, $"into the trash: {Counted.Of(figures.TrashedManifests, "manifest")} that a delete had orphaned");
        if (figures.Unreadable > 0)
            Line(text, $"{Counted.Of(figures.Unreadable, "blob")} could not be removed from the disk; the next run tries again, the incidents tell why");
        if (figures.Refused > 0)
            Line(text, $"the database refused {Counted.Of(figures.Refused, "delete")}, because something held what was taken for unheld; please report the incidents");
    }

    private static void Describe(StringBuilder text, CollectionStatus status)
    {
        Line(text, $"trash: {Counted.Of(status.Waiting.Trash, "object")} ({status.Due.Trash} due), referring to {ProgressDisplay.Bytes(status.TrashBytes)}");
        Line(text, $"to review: {Words(status.Waiting)} ({Words(status.Due)} due)");
        Line(text, $"a run would free {ProgressDisplay.Bytes(status.FreedNowBytes)} now, {ProgressDisplay.Bytes(status.FreedLaterBytes)} once all periods are over");
        if (status.LastRun is { } last)
        {
            Line(text, $"last run: ended {last.FinishedAt.UtcDateTime:yyyy-MM-dd HH:mm:ss}Z, reviewed {last.Figures.Reviews}, freed {ProgressDisplay.Bytes(last.Figures.FreedBytes)}");
        }
        else
            text.AppendLine("last run: none yet");
        if (status.Running)
            text.AppendLine("a run that was asked for is going on");
    }

    private static string Words(QueueLengths lengths) => $"{Counted.Of(lengths.Manifests, "manifest")}, {Counted.Of(lengths.Links, "link")}, {Counted.Of(lengths.Blobs, "blob")}";

    private static void Line(StringBuilder text, FormattableString line) => text.AppendLine(line.ToString(CultureInfo.InvariantCulture));
}
