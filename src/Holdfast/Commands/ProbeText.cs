using System.Globalization;
using System.Text;
using System.Text.Json;
using Holdfast.Client.Probe;
using Holdfast.Client.Walk;
using Holdfast.Oci;
using Holdfast.Server.Http;

namespace Holdfast.Commands;

/// <summary>One registry's rounds in words, or in a line of JSON each. What is wrong is shown when it changes, not each quarter of an hour anew.</summary>
internal sealed class ProbeText(bool json)
{
    private Dictionary<string, string> _shown = new(StringComparer.Ordinal);

    public string Tell(ProbeRound round, DateTimeOffset at) => json ? Json(round, at) + "\n" : Words(round, at);

    private string Words(ProbeRound round, DateTimeOffset at)
    {
        var text = new StringBuilder();
        var time = at.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);
        if (round.Fault is { } fault)
            return $"{time}  {round.Instance}: not checked: {fault}\n";
        var failures = round.Broken.Sum(static root => root.Findings.Count + root.LeftOut);
        text.AppendLine(CultureInfo.InvariantCulture, $"{time}  {round.Instance}: {Counted.Of(failures, "finding")} in {round.Tags} of {Counted.Of(round.TagsKnown, "tag")} of {Counted.Of(round.Repositories, "repository", "repositories")}; {Counted.Of(round.Counts.Heads, "HEAD")}, read {ProgressDisplay.Bytes(round.Counts.BytesRead)} in {round.Elapsed.TotalSeconds:0.0} s");
        foreach (var (repository, why) in round.Unlisted.OrderBy(static one => one.Key))
            text.AppendLine(CultureInfo.InvariantCulture, $"{round.Instance}/{repository}: its tags could not be listed: {why}");
        var now = round.Broken.ToDictionary(
            static root => $"{root.Repository}:{root.Name}",
            static root => string.Join(' ', root.Findings.Select(static finding => $"{finding.Problem.Kind}{finding.Object.Digest}").Order(StringComparer.Ordinal)),
            StringComparer.Ordinal);
        var changed = round.Broken.Where(root => _shown.GetValueOrDefault($"{root.Repository}:{root.Name}") != now[$"{root.Repository}:{root.Name}"]);
        foreach (var repository in changed.GroupBy(static root => root.Repository).OrderBy(static group => group.Key))
            text.Append(VerifyText.Tree(new VerifiedRepository(round.Instance, new RepositoryReport(repository.Key, [.. repository]))));
        _shown = now;
        return text.ToString();
    }

    private static string Json(ProbeRound round, DateTimeOffset at) => JsonSerializer.Serialize(
        new
        {
            At = at,
            round.Instance,
            Finished = round.IsFinished,
            round.Fault,
            round.CatalogAccessible,
            round.Repositories,
            round.Tags,
            round.TagsKnown,
            round.Counts.Indexes,
            round.Counts.Manifests,
            round.Counts.Blobs,
            round.Counts.Heads,
            round.Counts.BytesRead,
            Seconds = Math.Round(round.Elapsed.TotalSeconds, 3),
            Unlisted = round.Unlisted.Select(static one => new { Repository = one.Key.ToString(), Answer = one.Value }).ToList(),
            Findings = round.Broken.SelectMany(root => root.Findings.Select(finding => VerifyJson.Of(round.Instance, root, finding))).ToList(),
            FindingsLeftOut = round.Broken.Sum(static root => root.LeftOut),
        },
        AdminJson.Answers);
}
