namespace Holdfast.Server.Collection;

/// <summary>How much waits for the collection, and what it did last.</summary>
/// <param name="Running">Is a run that somebody asked for going on?</param>
/// <param name="Waiting">Everything in the trash and the queues.</param>
/// <param name="Due">What of it a run would look at now.</param>
/// <param name="TrashBytes">Bytes that things in the trash refer to, whether or not something else does too.</param>
/// <param name="FreedNowBytes">What a run would free now.</param>
/// <param name="FreedLaterBytes">What will be free once all periods are over, if nothing is restored or pushed again.</param>
/// <param name="LastRun">Null: none has come to its end.</param>
public sealed record CollectionStatus(
    bool Running, QueueLengths Waiting, QueueLengths Due, long TrashBytes, long FreedNowBytes, long FreedLaterBytes, CollectionLastRun? LastRun);

public sealed record CollectionLastRun(DateTimeOffset StartedAt, DateTimeOffset FinishedAt, CollectionFigures Figures);

/// <summary>What a run is asked to be.</summary>
/// <param name="DryRun">Only say what would be freed.</param>
/// <param name="Emergency">The whole trash, and all reviews without their grace.</param>
public sealed record CollectionOrder(bool DryRun = false, bool Emergency = false);

/// <summary>What a run did, or would do.</summary>
public sealed record CollectionResult(bool DryRun, bool Emergency, CollectionFigures Figures);
