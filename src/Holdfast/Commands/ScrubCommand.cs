using System.CommandLine;
using System.Globalization;
using System.Text;
using Holdfast.Configuration;
using Holdfast.Oci;
using Holdfast.Server.Scrub;

namespace Holdfast.Commands;

/// <summary><c>holdfast scrub run|status</c></summary>
internal static class ScrubCommand
{
    public static Command Create() => new(
        "scrub",
        """
        Checks the stored bytes of a running server, beside its traffic. The server does so by itself all the time; see when it last did with `status`, or
        have everything read now with `run`.

          holdfast scrub status
          holdfast scrub run
          holdfast scrub run --repository team/app --rate 100MiB/s
          holdfast scrub run --fast
        """)
    {
        CreateRun(),
        CreateStatus(),
    };

    private static Command CreateRun()
    {
        var repository = new Option<string?>("--repository") { Description = "Only what this repository needs. Default: everything.", HelpName = "name" };
        var registry = new Option<string?>("--registry") { Description = "With --repository: its registry, if the server has several.", HelpName = "name" };
        var rate = new Option<string?>("--rate") { Description = "Bytes read a second: 100MiB/s. Default: as fast as it goes.", HelpName = "rate" };
        var fast = new Option<bool>("--fast") { Description = "Look at everything instead of reading it: millions of blobs in a minute. Goes with none of the others." };
        var command = AdminCommand.Create(
            "run",
            """
            Reads every stored byte now, of blobs and of both copies of manifests, and compares it with its digest. What is wrong is taken out of service and becomes an
            incident; copies of manifests are mended on the way. Interrupt it at any time: what was found stays found.
            With --fast it looks whether each file is there, as large as it should be and untouched since its bytes were last hashed, and compares what the database knows of each
            manifest with what its bytes say. Only what is not as it should be is read. Bytes that rotted on the disk are not found so.
            Exit codes: 0 all is right, 1 it found damage, 2 it could not be done.

              holdfast scrub run
              holdfast scrub run --fast
              holdfast scrub run --repository team/app --registry private --json
            """,
            (call, token) => RunAsync(call, new ScrubOrder(call.Parsed.GetValue(registry), call.Parsed.GetValue(repository), call.Parsed.GetValue(rate), call.Parsed.GetValue(fast)), token));
        foreach (var option in (ReadOnlySpan<Option>)[repository, registry, rate, fast])
            command.Add(option);
        return command;
    }

    private static Command CreateStatus() => AdminCommand.Create(
        "status",
        """
        Says when each check of the stored bytes last came to its end, how far the one that runs is, and what is open.
        Exit codes: 0 nothing is open, 1 findings are open, 2 it could not be asked.

          holdfast scrub status
          holdfast scrub status --json
        """,
        StatusAsync);

    private static async Task<int> RunAsync(AdminCall call, ScrubOrder order, CancellationToken token)
    {
        long? bytesPerSecond = null;
        if (order.Rate is not null)
        {
            if (Quantity.ParseRate(order.Rate, out var parsed) is { } problem)
                throw new AdminFault($"--rate: {problem}");
            bytesPerSecond = parsed;
        }
        var report = await call.RunAsync<ScrubReport>(HttpMethod.Post, "/api/v1/scrub/run", new { registry = order.Registry, repository = order.Repository, rate = bytesPerSecond, fast = order.IsFast }, token);
        await call.PrintAsync(report, Describe);
        return report.FoundDamage ? RootCommands.Findings : RootCommands.Fine;
    }

    private static async Task<int> StatusAsync(AdminCall call, CancellationToken token)
    {
        var status = await call.Connection.GetAsync<ScrubStatus>("/api/v1/scrub", token);
        await call.PrintAsync(status, Describe);
        return status.OpenFindings > 0 ? RootCommands.Findings : RootCommands.Fine;
    }

    private static void Describe(StringBuilder text, ScrubReport report)
    {
        if (report.Unread + report.Dangling > 0)
            text.AppendLine(
                CultureInfo.InvariantCulture,
                $"{Counted.Of(report.Unread, "file")} untouched; {Counted.Of(report.Dangling, "manifest")} with other edges than {(report.Dangling == 1 ? "its" : "their")} bytes state. Read:");
        text.AppendLine(
            CultureInfo.InvariantCulture,
            $"{Counted.Of(report.Blobs, "blob or manifest", "blobs and manifests")}, {ProgressDisplay.Bytes(report.Bytes)}, in {report.Seconds:0.0} s: {report.Right} right, {report.Missing} missing, {report.Corrupt} corrupt, {report.Unreadable} unreadable");
        foreach (var finding in report.Findings)
            text.AppendLine(CultureInfo.InvariantCulture, $"  {finding.Outcome,-10} {finding.Digest}");
        var unnamed = report.Missing + report.Corrupt + report.Unreadable + report.Dangling - report.Findings.Count;
        if (unnamed > 0)
            text.AppendLine(CultureInfo.InvariantCulture, $"  and {unnamed} more");
        if (report.FoundDamage)
            text.AppendLine("Pushing the same bytes again heals what is missing or corrupt; each is an open incident.");
    }

    private static void Describe(StringBuilder text, ScrubStatus status)
    {
        var (sweep, walk) = (status.Sweep, status.Walk);
        text.AppendLine(
            CultureInfo.InvariantCulture,
            $"sweep (presence, size, changes): {Ended(sweep.FinishedAt)}, {Counted.Of(sweep.Files, "file")} in {sweep.TookSeconds ?? 0:0.0} s{Every(sweep.PeriodSeconds)}; {sweep.Missing} missing, {sweep.Changed} changed, {sweep.Unreadable} unreadable");
        text.AppendLine(
            CultureInfo.InvariantCulture,
            $"scrub (all bytes): {(walk.Running ? "running, " : "")}{Ended(walk.FinishedAt)}; {Share(walk)} of {ProgressDisplay.Bytes(walk.TotalBytes)} hashed within the period, the oldest {Time(walk.OldestVerifiedAt)}");
        text.AppendLine(
            CultureInfo.InvariantCulture,
            $"  {(walk.Running ? "this" : "the last")} round: {Counted.Of(walk.Blobs, "blob")}, {ProgressDisplay.Bytes(walk.Bytes)}, {Counted.Of(walk.Findings, "finding")}; {walk.Suspects} waiting to be hashed first");
        text.AppendLine(CultureInfo.InvariantCulture, $"unknown files: {Ended(status.UnknownFiles.FinishedAt)}; a file is judged once nobody has known it for collection.grace");
        text.AppendLine(CultureInfo.InvariantCulture, $"open findings: {status.OpenFindings}");
    }

    private static string Ended(DateTimeOffset? at) => at is null ? "not ended yet" : $"last ended {Time(at)}";

    private static string Time(DateTimeOffset? at) => at is { } time ? string.Create(CultureInfo.InvariantCulture, $"{time.UtcDateTime:yyyy-MM-dd HH:mm:ss}Z") : "never";

    private static string Every(double? seconds) => seconds is { } s ? string.Create(CultureInfo.InvariantCulture, $", every {s:0} s") : "";

    private static string Share(WalkStatus walk) =>
        walk.TotalBytes == 0 ? "100 %" : string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(1000.0 * walk.VerifiedBytes / walk.TotalBytes) / 10:0.0} %");

    private sealed record ScrubOrder(string? Registry, string? Repository, string? Rate, bool IsFast);
}
