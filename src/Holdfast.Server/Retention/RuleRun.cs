using System.Text.Json;
using Holdfast.Server.Http;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Retention;

/// <summary>The last run of a rule, as the table of checks keeps it.</summary>
/// <param name="Schedule">The rule's when it ran: a rule with another one is another rule to the schedule.</param>
/// <param name="Run">Null: it hasn't run; only the schedule knows it.</param>
/// <param name="Stopped">The first repositories in which a guard stopped it.</param>
/// <param name="Problem">Why it did not run at all.</param>
internal sealed record RuleRun(string? Schedule, string? Run, int Removed, IReadOnlyList<string> Stopped, string? Problem)
{
    private const int MaxStopped = 20;

    public static RuleRun New(RetentionRule rule) => new(rule.Options.Schedule, null, 0, [], null);

    public static RuleRun Of(RetentionRule rule, RetentionResult result)
    {
        var mine = result.Repositories.Where(repository => repository.Rule == rule.Name).ToList();
        return new RuleRun(
            rule.Options.Schedule,
            result.Run,
            mine.Sum(repository => repository.Removed.Count),
            [.. mine.Where(repository => repository.Stopped is not null).Take(MaxStopped).Select(repository => $"{repository.Registry}/{repository.Repository}")],
            result.Problems.FirstOrDefault(problem => problem.Rule == rule.Name)?.Problem);
    }

    /// <returns>Null if the row is none of ours.</returns>
    public static RuleRun? Read(CheckRow row)
    {
        try
        {
            return JsonSerializer.Deserialize<RuleRun>(row.Detail, AdminJson.Answers);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    public CheckRow ToRow(RetentionRule rule, long startedAtMs, long finishedAtMs) =>
        new(rule.Name, startedAtMs, finishedAtMs, "", JsonSerializer.Serialize(this, AdminJson.Answers));
}
