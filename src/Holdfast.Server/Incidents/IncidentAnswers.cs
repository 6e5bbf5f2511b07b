namespace Holdfast.Server.Incidents;

/// <summary>An incident as the administration tells of it.</summary>
/// <param name="Kind">One of the fixed names: blob-missing, …</param>
/// <param name="Subject">What it is about: a digest where it has one.</param>
/// <param name="State">open, acknowledged (open, and somebody knows) or healed.</param>
/// <param name="Detail">What was found.</param>
public sealed record IncidentAnswer(long Id, string Kind, string Subject, string State, string Detail)
{
    /// <summary>What to do next; null once it is healed.</summary>
    public required string? Advice { get; init; }

    public required DateTimeOffset OpenedAt { get; init; }

    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>How often it was found.</summary>
    public required long Seen { get; init; }

    public required DateTimeOffset? AcknowledgedAt { get; init; }

    public required string? AcknowledgedBy { get; init; }

    public required DateTimeOffset? HealedAt { get; init; }

    /// <summary>push, database, blob store, check, or the donor.</summary>
    public required string? HealedBy { get; init; }

    public required double? HealSeconds { get; init; }

    /// <summary>Attempts of this server to heal it so far.</summary>
    public required long Tries { get; init; }

    /// <summary>What the last of them met.</summary>
    public required string? LastTry { get; init; }

    /// <summary>When the next one is due; null if there will be none.</summary>
    public required DateTimeOffset? NextTryAt { get; init; }
}

/// <summary>A page of incidents, the newest first.</summary>
/// <param name="Open">All that are open, of the kind that was asked for, acknowledged ones included.</param>
/// <param name="Acknowledged">Of those.</param>
/// <param name="OpenByKind">Every kind, also those with none.</param>
/// <param name="Next">For <c>after</c>, to get the next page; null: this is the last.</param>
public sealed record IncidentPage(
    IReadOnlyList<IncidentAnswer> Incidents, long Open, long Acknowledged, IReadOnlyDictionary<string, long> OpenByKind, string? Next);

/// <param name="Impact">Null if it isn't about stored bytes.</param>
public sealed record IncidentReport(IncidentAnswer Incident, IncidentImpact? Impact);

/// <summary>What does not work without the bytes that an incident is about.</summary>
/// <param name="Tags">The first 100 tags that can't be pulled whole.</param>
/// <param name="TagCount">All of them.</param>
/// <param name="Manifests">Tagged or not.</param>
/// <param name="TrashedTags">The first 100 in the trash, which would be broken if they were restored.</param>
public sealed record IncidentImpact(
    IReadOnlyList<HitTag> Tags, long TagCount, long Manifests, IReadOnlyList<HitTag> TrashedTags, long TrashedTagCount);

/// <param name="Digest">What the tag points at.</param>
public sealed record HitTag(string Registry, string Repository, string Tag, string Digest);

/// <summary>One line of a watch.</summary>
/// <param name="Cursor">For <c>after</c>, to go on behind this change.</param>
public sealed record IncidentChange(IncidentAnswer Incident, string Cursor);
