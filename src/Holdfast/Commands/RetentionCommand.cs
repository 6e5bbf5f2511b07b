using System.CommandLine;
using System.Globalization;
using System.Text;
using Holdfast.Oci;
using Holdfast.Server.Retention;

namespace Holdfast.Commands;

/// <summary><c>holdfast retention status|plan|apply</c></summary>
internal static class RetentionCommand
{
    public static Command Create() => new("retention", """
        What the configuration's retention rules remove, and why the rest stays. Rules with a schedule run by themselves.

          holdfast retention status                          the rules, their next and last runs
          holdfast retention plan                            what would go now, and why everything else stays
          holdfast retention plan --out plan.json            the same, kept to be applied
          holdfast retention apply --plan plan.json          does it; what changed meanwhile stays
        """)
    {
        CreateStatus(),
        RetentionPlanCommand.Create(),
        RetentionApplyCommand.Create(),
    };

    private static Command CreateStatus() => AdminCommand.Create(
        "status",
        """
        Shows the rules, how many repositories each holds for, when it runs next and how it ran last.
        Exit codes: 0 shown, 2 the server could not be asked.

          holdfast retention status --data /srv/registry
          holdfast retention status --json
        """,
        static async (call, token) =>
        {
            await call.PrintAsync(await call.Connection.GetAsync<RetentionStatus>("/api/v1/retention", token), Describe);
            return RootCommands.Fine;
        });

    private static void Describe(StringBuilder text, RetentionStatus status)
    {
        if (status.Rules.Count == 0)
            text.AppendLine("no retention rules: everything stays");
        foreach (var rule in status.Rules)
        {
            var next = rule.NextRunAt is { } at ? $"runs next {Moment(at)} ({rule.Schedule})" : "runs by command only";
            text.AppendLine(CultureInfo.InvariantCulture, $"{rule.Rule}  {string.Join(", ", rule.Registries)}: {string.Join(", ", rule.Repositories)}  ({Counted.Of(rule.Fitting, "repository", "repositories")}); {next}");
            if (rule.LastRun is not { } last)
                continue;
            text.AppendLine(CultureInfo.InvariantCulture, $"  last run {last.Run}, {Moment(last.StartedAt)}: {last.Problem ?? $"removed {Counted.Of(last.Removed, "image")}"}");
            if (last.Stopped.Count > 0)
                text.AppendLine(CultureInfo.InvariantCulture, $"  stopped in {string.Join(", ", last.Stopped)}");
        }
        if (status.Running is { } running)
            text.AppendLine(CultureInfo.InvariantCulture, $"run {running} is under way");
        foreach (var warning in status.Warnings)
            text.AppendLine(CultureInfo.InvariantCulture, $"warning: {warning}");
    }

    private static string Moment(DateTimeOffset at) => at.ToString("yyyy-MM-dd HH:mm zzz", CultureInfo.InvariantCulture);
}
