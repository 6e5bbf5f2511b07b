using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Trash;

/// <summary>A page of <c>GET /api/v1/trash</c>, the newest first.</summary>
/// <param name="Next">The value of <c>after</c> for the next page; null if this is the last.</param>
public sealed record TrashListing(IReadOnlyList<TrashEntry> Items, long? Next);

/// <summary>One deleted thing.</summary>
/// <param name="Tag">Of a tag, else null.</param>
/// <param name="Digest">The blob's or manifest's; of a tag, its manifest's.</param>
/// <param name="SizeBytes">Of all that it needs.</param>
/// <param name="KeptUntil">Until then it can be restored.</param>
/// <param name="Operation">All that one delete took has the same.</param>
/// <param name="Run">Of a retention run, else null.</param>
public sealed record TrashEntry(
    long Id,
    TrashKind Kind,
    string Registry,
    string Repository,
    string? Tag,
    string Digest,
    long SizeBytes,
    DateTimeOffset DeletedAt,
    DateTimeOffset KeptUntil,
    string Operation,
    DeletionCause Cause,
    string Actor,
    string? Run);

/// <summary>What became of a restore.</summary>
/// <param name="Restored">So many things are live again.</param>
/// <param name="Failed">So many are not.</param>
/// <param name="Damaged">So many are live again, but miss bytes.</param>
/// <param name="Things">Of very many, all that failed or are damaged, and the first of the others.</param>
public sealed record RestoreReport(bool DryRun, int Restored, int Failed, int Damaged, IReadOnlyList<RestoreEntry> Things);

/// <param name="Id">Of the row in the trash.</param>
/// <param name="Tag">The name under which a tag is put back, else null.</param>
/// <param name="Present">Where the tag points without this; null if it isn't there.</param>
/// <param name="Damaged">What it needs and what is missing or known to be wrong.</param>
public sealed record RestoreEntry(
    long Id,
    TrashKind Kind,
    string Registry,
    string Repository,
    string? Tag,
    string Digest,
    RestoreOutcome Outcome,
    string? Present,
    IReadOnlyList<string> Damaged);

/// <summary>What became of a purge.</summary>
/// <param name="Purged">So many things can't be restored any more.</param>
/// <param name="Held">So many stay in the trash, since something else needs them.</param>
/// <param name="UpTo">Of a dry run: the newest of them. Given with the purge itself, nothing that was deleted since goes.</param>
/// <param name="HeldThings">The first of them.</param>
public sealed record PurgeReport(bool DryRun, int Purged, int Held, long? UpTo, IReadOnlyList<TrashEntry> HeldThings);
