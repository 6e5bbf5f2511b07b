namespace Holdfast.Storage.Metadata;

/// <summary>One delete: who did it, why and when. All that it takes away carries its operation, so that it comes back together (P7).</summary>
/// <param name="Operation">Unique; chosen by whoever deletes.</param>
/// <param name="Actor">A user's name, or the part of the program.</param>
/// <param name="Run">The retention run, if it was one.</param>
public sealed record Deletion(string Operation, DeletionCause Cause, string Actor, string? Run = null)
{
    /// <summary>
    /// Of what the collection takes: when the delete was that orphaned it, Unix milliseconds. What was pushed since then was wanted for itself and is
    /// not taken along. Null: what else it held is taken along in any case.
    /// </summary>
    public long? SinceMs { get; init; }
}

/// <summary>The stored values of <c>trash.cause</c>.</summary>
public enum DeletionCause
{
    Client = 1,
    Retention = 2,
    Collection = 3,
}

/// <summary>The stored values of <c>trash.kind</c>.</summary>
public enum TrashKind
{
    Tag = 1,
    Manifest = 2,
    Link = 3,
}
