namespace Holdfast.Server.Retention;

/// <summary>Removes from one repository what was planned: decides on a snapshot, removes batch by batch, and decides again where something changed in between.</summary>
/// <param name="newId">Makes unused ids for operations.</param>
internal sealed class RepositoryRemoval(RetentionPlanner planner, RuledRepository at, InUseReferences inUse, Func<string> newId)
{
    // In vain, one after the other. What changes this fast is left to the next run.
    private const int MaxDecisions = 5;

    private readonly List<PlannedRoot> _removed = [];
    private readonly List<LeftRoot> _left = [];

    public IReadOnlyList<PlannedRoot> Removed => _removed;

    /// <summary>What was planned and stays, with why.</summary>
    public IReadOnlyList<LeftRoot> Left => _left;

    /// <summary>Why the guard let nothing more be removed; null: it did.</summary>
    public string? Stopped { get; private set; }

    public async Task RunAsync(string run, IReadOnlyList<PlannedRoot> planned, CancellationToken cancellationToken)
    {
        var inVain = 0;
        while (planned.Count > 0)
        {
            if (inVain == MaxDecisions)
            {
                Leave(planned, "the newest images change faster than can be decided; the next run looks again");
                return;
            }
            var decision = await planner.Metadata.ReadAsync((at, inUse, now: planner.Time.Look()), static (db, s) => s.at.Decide(db, s.inUse, s.now), cancellationToken);
            if (decision.Stopped is { } stopped)
            {
                Stopped = stopped;
                Leave(planned, $"changed since the plan: {stopped}");
                return;
            }
            var rest = await RemoveAsync(run, decision, planned, cancellationToken);
            inVain = rest.Count < planned.Count ? 0 : inVain + 1;
            planned = rest;
        }
    }

    /// <returns>What must be decided again.</returns>
    private async Task<IReadOnlyList<PlannedRoot>> RemoveAsync(
        string run, RetentionDecision decision, IReadOnlyList<PlannedRoot> planned, CancellationToken cancellationToken)
    {
        var undecided = new List<PlannedRoot>();
        for (var begin = 0; begin < planned.Count; begin += RetentionRemoval.BatchSize)
        {
            var batch = planned.Skip(begin).Take(RetentionRemoval.BatchSize).ToList();
            var removal = new RetentionRemoval(at, inUse, run, decision, [.. batch.Select(root => (root, newId()))]);
            await planner.WritePulls(cancellationToken);
            var outcome = await planner.Metadata.WriteAsync((removal, now: planner.Time.Look()), static (db, s) => s.removal.Execute(db, s.now), cancellationToken);
            _removed.AddRange(outcome.Removed);
            _left.AddRange(outcome.Left);
            undecided.AddRange(outcome.Undecided);
            RetentionMetrics.Removed.Add(outcome.Removed.Count);
            if (outcome.Undecided.Count == batch.Count)
                return [.. undecided, .. planned.Skip(begin + batch.Count)];
        }
        return undecided;
    }

    private void Leave(IReadOnlyList<PlannedRoot> planned, string why) => _left.AddRange(planned.Select(root => new LeftRoot(root.Digest, root.Tags, why)));
}
