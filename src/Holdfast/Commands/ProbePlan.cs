namespace Holdfast.Commands;

/// <summary>What probe is told.</summary>
internal sealed record ProbePlan
{
    /// <summary>From the start of one round to the next; null: one round.</summary>
    public TimeSpan? Interval { get; init; }

    public int? MaxTags { get; init; }

    public bool Fast { get; init; }

    public string? MemoryFile { get; init; }

    public string? Textfile { get; init; }

    public Uri? Pushgateway { get; init; }

    public Uri? Listen { get; init; }
}
