namespace Holdfast.Server.Scrub;

/// <summary>What the checks of the stores have done, and how far they are.</summary>
/// <param name="Sweep">Presence, size and stamp of every file.</param>
/// <param name="Walk">The hash of every byte.</param>
/// <param name="UnknownFiles">Files that no row knows.</param>
/// <param name="OpenFindings">Open incidents about stored bytes.</param>
public sealed record ScrubStatus(SweepStatus Sweep, WalkStatus Walk, CheckStatus UnknownFiles, long OpenFindings);

/// <param name="StartedAt">Of the run that is under way or came last; null: none yet.</param>
/// <param name="FinishedAt">Of the last run that came to its end.</param>
public sealed record CheckStatus(DateTimeOffset? StartedAt, DateTimeOffset? FinishedAt);

/// <param name="PeriodSeconds">From the start of the sweep before to that of the last; null before the second.</param>
/// <param name="Changed">Files that somebody may have changed, which were then hashed.</param>
public sealed record SweepStatus(
    DateTimeOffset? StartedAt, DateTimeOffset? FinishedAt, double? TookSeconds, double? PeriodSeconds, long Files, long Missing, long Changed, long Unreadable);

/// <param name="Running">Is a round under way?</param>
/// <param name="Blobs">Hashed in this round, or the last.</param>
/// <param name="Findings">Of those, not right.</param>
/// <param name="VerifiedBytes">Of <paramref name="TotalBytes"/>, hashed within the period: pulled without being hashed first.</param>
/// <param name="OldestVerifiedAt">When the blob was hashed whose last hash is the longest ago; null if none was ever.</param>
/// <param name="Suspects">Waiting to be hashed before all others.</param>
public sealed record WalkStatus(
    bool Running,
    DateTimeOffset? StartedAt,
    DateTimeOffset? FinishedAt,
    long Blobs,
    long Bytes,
    long Findings,
    long TotalBlobs,
    long TotalBytes,
    long VerifiedBlobs,
    long VerifiedBytes,
    DateTimeOffset? OldestVerifiedAt,
    int Suspects);

/// <summary>What a run that was asked for came to.</summary>
/// <param name="Right">Blobs whose bytes are right, and manifests whose edges are, too; those that were mended on the way included.</param>
/// <param name="Unsettled">Deleted or replaced while they were looked at.</param>
/// <param name="Findings">The first of what was not right.</param>
public sealed record ScrubReport(
    long Blobs, long Bytes, long Right, long Missing, long Corrupt, long Unreadable, long Unsettled, double Seconds, IReadOnlyList<ScrubFinding> Findings)
{
    /// <summary>Of a fast run: those whose file nobody has touched since the row was written, so that it was not read; not among <see cref="Blobs"/>.</summary>
    public long Unread { get; init; }

    /// <summary>Of a fast run: manifests whose edges are not those that their bytes state.</summary>
    public long Dangling { get; init; }

    /// <summary>Was anything not right?</summary>
    public bool FoundDamage => Missing + Corrupt + Unreadable + Dangling > 0;
}

/// <param name="Outcome">missing, corrupt, unreadable or dangling.</param>
public sealed record ScrubFinding(string Digest, string Outcome);
