using Holdfast.Client.Probe;
using Holdfast.Client.Walk;
using Holdfast.Server.Http;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Probe;

/// <summary>
/// What a finished round found wrong is an incident for each tag (P8), until a later round finds the tag whole or gone. An incident of a process before this one stays until this one
/// has looked at its tag.
/// </summary>
internal sealed class ProbeFindings(MetadataDatabase metadata, IncidentBook book, TimeProvider time)
{
    /// <summary>The probe's row among the checks.</summary>
    public const string CheckName = "probe";

    // Of one registry: when more can't be pulled, it isn't the images that are to be looked after. The metrics count them all.
    private const int MaxOpen = 100;

    // Of all registries; what is beyond that is ended by later rounds.
    private const int MaxListed = 10_000;

    public async Task NoteAsync(ProbeRound round, ProbeMemory memory, CancellationToken token)
    {
        var start = round.Instance + " ";
        var open = (await metadata.ReadAsync(0, static (db, _) => Storage.Metadata.Incidents.List(
                db, new IncidentFilter(IncidentState.Open) { Kind = IncidentKind.Unpullable }, MaxListed), token))
            .Select(static incident => incident.Subject).Where(subject => subject.StartsWith(start, StringComparison.Ordinal)).ToHashSet(StringComparer.Ordinal);
        if (open.Count > 0)
        {
            var unsettled = memory.Tags.Where(static tag => tag.Value.Failures > 0 || tag.Value.CheckedAt == 0).Select(tag => SubjectOf(round, tag.Key)).ToHashSet(StringComparer.Ordinal);
            // Of repositories that could not be listed nobody knows.
            var unlisted = round.Unlisted.Keys.Select(repository => start + repository).ToHashSet(StringComparer.Ordinal);
            foreach (var subject in open.Where(subject => !unsettled.Contains(subject) && !unlisted.Contains(subject.Split(':')[0])).ToList())
            {
                await book.HealAsync(IncidentKind.Unpullable, subject, "a later probe");
                open.Remove(subject);
            }
        }
        foreach (var root in round.Broken)
        {
            var subject = $"{start}{root.Repository}:{root.Name}";
            if (open.Count < MaxOpen && open.Add(subject))
                await book.OpenAsync(IncidentKind.Unpullable, subject, Tell(root));
        }
        foreach (var (repository, why) in round.Unlisted)
        {
            var subject = $"{start}{repository}";
            if (open.Count < MaxOpen && open.Add(subject))
                await book.OpenAsync(IncidentKind.Unpullable, subject, $"the tags of {repository} can't be listed: {why}");
        }
    }

    /// <summary>All registries were looked at to the end.</summary>
    public Task EndAsync(DateTimeOffset began, CancellationToken token) => metadata.WriteAsync(
        new CheckRow(CheckName, began.ToUnixTimeMilliseconds(), time.GetUtcNow().ToUnixTimeMilliseconds(), "", ""),
        static (db, row) =>
        {
            Checks.Put(db, row);
            return true;
        },
        token);

    private static string SubjectOf(ProbeRound round, TagKey key) => key.Tag.IsNone ? $"{round.Instance} {key.Repository}" : $"{round.Instance} {key.Repository}:{key.Tag}";

    private static string Tell(RootReport root)
    {
        var first = root.Findings[0];
        var more = root.Findings.Count + root.LeftOut - 1;
        return $"{root.Repository}:{root.Name} can't be pulled through this server's own door: {first.Object.Digest}: {first.Problem.Answer}{(more > 0 ? $", and {more} more" : "")}";
    }
}
