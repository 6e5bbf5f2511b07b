using System.Globalization;
using System.Text;
using Holdfast.Oci;

namespace Holdfast.Client.Probe;

/// <summary>What probes found, as Prometheus reads it (text format 0.0.4): the six names that alerts already know, and ours beside them.</summary>
public sealed class ProbeGauges
{
    // Only failing repositories have a series; beyond this the sum has to do.
    private const int MaxRepositories = 1_000;

    private readonly Dictionary<string, Instance> _instances = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();

    /// <summary>A registry whose first round has not ended; alerts see its last run of an earlier process, and no more.</summary>
    public void Begin(ProbeMemory memory)
    {
        lock (_lock)
            _instances.TryAdd(memory.Instance, new Instance(memory));
    }

    public void Take(ProbeRound round)
    {
        lock (_lock)
            _instances[round.Instance].Take(round);
    }

    /// <param name="instance">Of this registry alone; null: all.</param>
    public string Write(string? instance = null)
    {
        lock (_lock)
        {
            var text = new StringBuilder();
            var all = _instances.Values.Where(one => instance is null || one.Memory.Instance == instance).OrderBy(static one => one.Memory.Instance, StringComparer.Ordinal).ToList();
            Write(text, all, "registry_manifest_integrity_failures", "Objects of tags that are missing, wrong or could not be checked, as last looked at.", static one => one.Failures);
            Write(text, all, "registry_manifest_integrity_catalog_accessible", "1 if the last round could list repositories, at least one.", static one => one.Last is { } last ? last.CatalogAccessible ? 1 : 0 : null);
            Write(text, all, "registry_manifest_integrity_repos_checked", "Repositories with tags that the last finished round checked.", static one => one.Finished?.Repositories);
            Write(text, all, "registry_manifest_integrity_tags_checked", "Tags that the last finished round checked.", static one => one.Finished?.Tags);
            Write(text, all, "registry_manifest_integrity_indexes_checked", "Indexes that the last finished round checked.", static one => one.Finished?.Counts.Indexes);
            Write(text, all, "registry_manifest_integrity_last_run_timestamp", "When a round last came to its end, Unix time.", static one => one.Memory.LastRunAt > 0 ? one.Memory.LastRunAt : null);
            Write(text, all, "holdfast_probe_oldest_check_timestamp_seconds", "When the tag was checked that has waited the longest for it, Unix time; 0: one was never checked.", static one => one.OldestCheck);
            Write(text, all, "holdfast_probe_tags_known", "Tags that the registry lists, checked in the last round or not.", static one => one.Finished?.TagsKnown);
            Write(text, all, "holdfast_probe_round_duration_seconds", "How long the last finished round took.", static one => one.Finished?.Elapsed.TotalSeconds);
            Write(text, all, "holdfast_probe_round_read_bytes", "Bytes that the last finished round read and hashed.", static one => one.Finished?.Counts.BytesRead);
            Write(text, all, "holdfast_probe_read_bytes_total", "Bytes read and hashed since the probe started.", static one => one.BytesRead, "counter");
            Write(text, all, "holdfast_probe_rounds_total", "Rounds that came to their end since the probe started.", static one => one.FinishedRounds, "counter");
            Write(text, all, "holdfast_probe_failed_rounds_total", "Rounds that did not, since the probe started.", static one => one.FailedRounds, "counter");
            WriteRepositories(text, all);
            return text.ToString();
        }
    }

    private static void Write(StringBuilder text, List<Instance> all, string name, string help, Func<Instance, double?> value, string type = "gauge")
    {
        var began = false;
        foreach (var one in all)
        {
            if (value(one) is not { } number)
                continue;
            if (!began)
                Head(text, name, help, type);
            began = true;
            text.Append(CultureInfo.InvariantCulture, $"{name}{{instance=\"{Escape(one.Memory.Instance)}\"}} {number:R}\n");
        }
    }

    private static void WriteRepositories(StringBuilder text, List<Instance> all)
    {
        const string Name = "holdfast_probe_repository_failures";
        var failing = all.SelectMany(static one => one.FailingRepositories.Select(repository => (one.Memory.Instance, repository.Name, repository.Failures))).ToList();
        if (failing.Count > 0)
            Head(text, Name, "As registry_manifest_integrity_failures, of each repository that has any.", "gauge");
        foreach (var (instance, repository, failures) in failing)
            text.Append(CultureInfo.InvariantCulture, $"{Name}{{instance=\"{Escape(instance)}\",repository=\"{repository}\"}} {failures}\n");
    }

    private static void Head(StringBuilder text, string name, string help, string type) =>
        text.Append("# HELP ").Append(name).Append(' ').Append(help).Append("\n# TYPE ").Append(name).Append(' ').Append(type).Append('\n');

    private static string Escape(string text) => text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

    private sealed class Instance(ProbeMemory memory)
    {
        public ProbeMemory Memory => memory;

        public ProbeRound? Last { get; private set; }

        public ProbeRound? Finished { get; private set; }

        public long BytesRead { get; private set; }

        public long FinishedRounds { get; private set; }

        public long FailedRounds { get; private set; }

        // Known again after a restart, too, from what the memory file has.
        public double? Failures => Finished is null && memory.LastRunAt == 0 ? null : memory.Tags.Values.Sum(static state => (double)state.Failures);

        public double? OldestCheck => memory.Tags.IsEmpty ? null : memory.Tags.Where(static tag => !tag.Key.Tag.IsNone).Select(static tag => (double?)tag.Value.CheckedAt).Min();

        public IEnumerable<(RepositoryName Name, int Failures)> FailingRepositories => memory.Tags
            .Where(static tag => tag.Value.Failures > 0)
            .GroupBy(static tag => tag.Key.Repository)
            .Select(static group => (group.Key, group.Sum(static tag => tag.Value.Failures)))
            .OrderBy(static repository => repository.Key)
            .Take(MaxRepositories);

        public void Take(ProbeRound round)
        {
            // What a round says of tags stays in the memory; its findings need not be kept twice.
            Last = round with { Broken = [] };
            BytesRead += round.Counts.BytesRead;
            if (round.IsFinished)
            {
                Finished = Last;
                FinishedRounds++;
            }
            else
                FailedRounds++;
        }
    }
}
