using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Storage;
using Holdfast.Storage.Journal;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Retention;

/// <summary>Says what the rules would remove, and why the rest stays; changes nothing.</summary>
internal sealed class RetentionPlanner(MetadataDatabase metadata, RetentionRules rules, InUseLists lists, StoreTime time)
{
    private const int PageSize = 500;

    public RetentionRules Rules => rules;

    public MetadataDatabase Metadata => metadata;

    public StoreTime Time => time;

    /// <summary>Writes down the pulls that were only noted so far: what was pulled a moment ago stays.</summary>
    public Func<CancellationToken, Task> WritePulls { get; init; } = static _ => Task.CompletedTask;

    /// <summary>The lists, each to be read when a rule first needs it.</summary>
    public InUseOfRules OpenLists() => new(lists);

    /// <param name="id">Unused so far.</param>
    public async Task<RetentionPlan> PlanAsync(
        string id, PlanScope scope, InUseOfRules inUse, Func<AdminProgress, ValueTask>? report, CancellationToken cancellationToken)
    {
        await WritePulls(cancellationToken);
        var store = await metadata.ReadAsync(0, static (db, _) => StoreIdentity.Find(db), cancellationToken);
        var plan = new RetentionPlan(RetentionPlan.CurrentFormat, id, store, Now(), [], [], []);
        var repositories = new List<RepositoryPlan>();
        var seen = new HashSet<RetentionRule>();
        var visited = 0L;
        await foreach (var at in ListAsync(scope, cancellationToken))
        {
            if (report is not null)
                await report(new AdminProgress("planning", visited++, null, "repositories"));
            seen.Add(at.Rule);
            if (at.Rule.Removes && await inUse.ReadAsync(at.Rule, cancellationToken) is { } references)
                repositories.Add(await PlanAsync(at, references, cancellationToken));
        }
        return plan with { Repositories = repositories, Problems = inUse.Problems, Warnings = Warn(scope, seen) };
    }

    /// <summary>The repositories of a scope for which there is a rule.</summary>
    public async IAsyncEnumerable<RuledRepository> ListAsync(PlanScope scope, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var (name, registry) in rules.Registries.Where(r => scope.Registry is null || r.Key == scope.Registry).OrderBy(r => r.Key, StringComparer.Ordinal))
        {
            NamePage page;
            string? last = null;
            do
            {
                page = await metadata.ReadAsync((registry, last), static (db, s) => Repositories.List(db, s.registry, s.last, PageSize), cancellationToken);
                foreach (var repository in page.Names.Where(scope.Includes).Select(RepositoryName.Parse))
                {
                    if (rules.Find(name, repository) is { } rule && (scope.Rules is null || scope.Rules.Contains(rule)))
                        yield return new RuledRepository(name, new RepositoryKey(registry, repository), rule);
                }
                last = page.Names.Count > 0 ? page.Names[^1] : last;
            }
            while (page.HasMore);
        }
    }

    private async Task<RepositoryPlan> PlanAsync(RuledRepository at, InUseReferences inUse, CancellationToken cancellationToken)
    {
        var (decision, freed) = await metadata.ReadAsync(
            (at, inUse, now: time.Look()),
            static (db, s) =>
            {
                var decision = s.at.Decide(db, s.inUse, s.now);
                return (decision, RepositoryRoots.FreedBytes(db, s.at.Key, [.. decision.Removed.Select(root => root.Root.Digest)]));
            },
            cancellationToken);
        return new RepositoryPlan(
            at.Registry,
            at.Key.Name.ToString(),
            at.Rule.Name,
            decision.Roots,
            freed,
            decision.Stopped,
            RuledRepository.Finding(decision),
            [.. decision.Removed.Select(root => root.ToPlanned())],
            [.. decision.Kept.Select(root => root.ToPlanned())]);
    }

    // Part of the repositories says nothing about the others.
    public IReadOnlyList<string> Warn(PlanScope scope, HashSet<RetentionRule> seen) => scope switch
    {
        { IsAll: true } => [.. rules.All.Except(seen).Select(rule => $"{rule.Name} ({string.Join(", ", rule.Options.Repositories)}) fits no repository")],
        _ when seen.Count == 0 => ["no repository that a rule fits is in what was asked for"],
        _ => [],
    };

    private DateTimeOffset Now() => DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds());
}

/// <summary>What is planned for: null is everything.</summary>
internal sealed record PlanScope(string? Registry = null, RepositoryPattern? Repositories = null, IReadOnlyCollection<RetentionRule>? Rules = null)
{
    public static readonly PlanScope All = new();

    public bool IsAll => Registry is null && Repositories is null && Rules is null;

    public bool Includes(string repository) => Repositories?.Matches(repository) ?? true;
}

/// <summary>A repository, and the rule that holds for it.</summary>
internal sealed record RuledRepository(string Registry, RepositoryKey Key, RetentionRule Rule)
{
    public string Subject => $"{Registry}/{Key.Name}";

    public RetentionDecision Decide(MetadataSession db, InUseReferences inUse, StoreMoment now)
    {
        var decision = RetentionDecision.Decide(Rule, RepositoryRoots.List(db, Key), root => inUse.Find(Key.Name, root), now);
        // A lost index has no edges: what it lists looks like images of their own that never had a tag (P6).
        if (decision.Removed.Count > 0 && LostManifests.IsIn(db, Key))
            decision.Stop("can't tell what belongs together here, since the bytes of a manifest are lost (see the incident manifest-missing); nothing is removed until it is pushed again");
        return decision;
    }

    public static string? Finding(RetentionDecision decision)
    {
        var alone = decision.KeptByListAlone.Select(root => $"{(root.Root.Tags.Count > 0 ? root.Root.Tags[0].Name : root.Root.Digest.ToString())} ({root.Reasons[0].Text})").ToList();
        return alone.Count == 0 ? null : $"would remove what is in use, and keeps it only for that: {string.Join(", ", alone.Take(5))}{(alone.Count > 5 ? $" and {alone.Count - 5} more" : "")}";
    }
}

/// <summary>The lists of each rule, read once.</summary>
internal sealed class InUseOfRules(InUseLists lists)
{
    private readonly Dictionary<RetentionRule, (InUseReferences References, string? Problem)> _read = [];

    public IReadOnlyList<RuleProblem> Problems => [.. _read.Where(r => r.Value.Problem is not null).Select(r => new RuleProblem(r.Key.Name, r.Value.Problem!))];

    /// <returns>Null if they can't be read, and so nothing is known.</returns>
    public async ValueTask<InUseReferences?> ReadAsync(RetentionRule rule, CancellationToken cancellationToken)
    {
        if (!_read.TryGetValue(rule, out var known))
            _read.Add(rule, known = await lists.ReadAsync(rule.Options.InUse, cancellationToken));
        return known.Problem is null ? known.References : null;
    }
}
