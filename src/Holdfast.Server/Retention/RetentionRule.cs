using Holdfast.Oci;
using Holdfast.Server.Http;

namespace Holdfast.Server.Retention;

/// <summary>One rule of the configuration, ready to be asked.</summary>
internal sealed class RetentionRule
{
    private readonly IReadOnlyList<RepositoryPattern> _repositories;
    private readonly IReadOnlyList<TagPattern> _immutableTags;

    /// <param name="index">Its place in the configuration, from 0.</param>
    /// <param name="options">Valid: the configuration was checked.</param>
    public RetentionRule(int index, RetentionOptions options)
    {
        Name = $"retention[{index}]";
        Options = options;
        _repositories = [.. options.Repositories.Select(Repository)];
        _immutableTags = [.. options.ImmutableTags.Select(Tags)];
        KeepTags = [.. options.KeepTags.Select(Tags)];
        Schedule = options.Schedule is { } text ? ParseSchedule(text) : null;
    }

    /// <summary>As problems of the configuration name it.</summary>
    public string Name { get; }

    public RetentionOptions Options { get; }

    public IReadOnlyList<TagPattern> KeepTags { get; }

    public Schedule? Schedule { get; }

    /// <summary>Does it ever remove anything?</summary>
    public bool Removes => Options.RemovesTagged || Options.UntaggedAfter is not null;

    public bool Fits(string registry, RepositoryName repository) =>
        (Options.Registries.Contains("*", StringComparer.Ordinal) || Options.Registries.Contains(registry, StringComparer.Ordinal))
        && _repositories.Any(pattern => pattern.Matches(repository.ToString()));

    public bool HasImmutableTags => _immutableTags.Count > 0;

    public bool IsImmutable(Tag tag) => _immutableTags.Any(pattern => pattern.Matches(tag.ToString()));

    private static RepositoryPattern Repository(string text) =>
        RepositoryPattern.TryParse(text, out var pattern, out var problem) ? pattern : throw new ArgumentException(problem, nameof(text));

    private static TagPattern Tags(string text) =>
        TagPattern.TryParse(text, out var pattern, out var problem) ? pattern : throw new ArgumentException(problem, nameof(text));

    private static Schedule ParseSchedule(string text) =>
        Retention.Schedule.TryParse(text, out var schedule, out var problem) ? schedule : throw new ArgumentException(problem, nameof(text));
}

/// <summary>All rules, and the registries that they are for.</summary>
internal sealed class RetentionRules(IReadOnlyList<RetentionOptions> options, IReadOnlyDictionary<string, int> registries)
{
    private readonly Dictionary<int, string> _names = registries.ToDictionary(registry => registry.Value, registry => registry.Key);

    public IReadOnlyList<RetentionRule> All { get; } = [.. options.Select((rule, index) => new RetentionRule(index, rule))];

    /// <summary>Ids by names.</summary>
    public IReadOnlyDictionary<string, int> Registries => registries;

    /// <returns>The first rule that fits; null if none does, and then everything stays.</returns>
    public RetentionRule? Find(string registry, RepositoryName repository) => All.FirstOrDefault(rule => rule.Fits(registry, repository));

    /// <returns>Which tags of a repository must not move to another manifest; null: all may.</returns>
    public Func<Tag, bool>? ImmutableTags(Storage.Metadata.RepositoryKey repository) =>
        All.Count > 0 && _names.TryGetValue(repository.Registry, out var registry) && Find(registry, repository.Name) is { HasImmutableTags: true } rule
            ? rule.IsImmutable
            : null;
}
