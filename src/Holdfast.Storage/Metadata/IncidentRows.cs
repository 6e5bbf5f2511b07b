namespace Holdfast.Storage.Metadata;

/// <param name="Subject">What it is about: a digest where it has one.</param>
/// <param name="UpdatedAtMs">Also the number of its last change (<see cref="Incidents.ListChanges"/>): it may be a little ahead of the clock.</param>
/// <param name="Seen">How often it was found.</param>
public sealed record Incident(long Id, IncidentKind Kind, string Subject, string Detail, long OpenedAtMs, long UpdatedAtMs, long Seen)
{
    public long? AcknowledgedAtMs { get; init; }

    public string? AcknowledgedBy { get; init; }

    public long? HealedAtMs { get; init; }

    public string? HealedBy { get; init; }

    /// <summary>Attempts to heal it so far.</summary>
    public long Tries { get; init; }

    public long NextTryAtMs { get; init; }

    /// <summary>What the last attempt met; null: there was none.</summary>
    public string? Tried { get; init; }
}

/// <param name="Acknowledged">Of those that are open.</param>
public readonly record struct IncidentCount(IncidentKind Kind, long Open, long Acknowledged);

public enum IncidentState
{
    All,
    Open,
    Healed,
}

/// <summary>Which incidents a list holds.</summary>
public sealed record IncidentFilter(IncidentState State)
{
    /// <summary>Null: every kind.</summary>
    public IncidentKind? Kind { get; init; }

    /// <summary>Opened then or later.</summary>
    public long SinceMs { get; init; } = long.MinValue;

    /// <summary>Older than that one: the last of the page before.</summary>
    public long BeforeId { get; init; } = long.MaxValue;
}
