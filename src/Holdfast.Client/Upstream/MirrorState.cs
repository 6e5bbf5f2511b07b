namespace Holdfast.Client;

/// <summary>How it is with a mirror.</summary>
/// <param name="Host">host or host:port.</param>
/// <param name="Since">When this state began.</param>
/// <param name="RestsUntil">Nothing is asked of it before; null: it is up.</param>
/// <param name="Why">What it did, a sentence for people; null: it is up.</param>
public sealed record MirrorState(string Host, DateTimeOffset Since, DateTimeOffset? RestsUntil, RegistryFailure? Why)
{
    /// <summary>As it was last told; null: never.</summary>
    public RateLimit? Limit { get; init; }

    /// <summary>From the last answered request to its answer's head; null: none was answered.</summary>
    public TimeSpan? Latency { get; init; }
}

/// <summary>How many requests a registry grants (Docker Hub: <c>ratelimit-limit: 100;w=21600</c>).</summary>
/// <param name="Limit">Requests in a window; null if it was not said.</param>
/// <param name="Remaining">Of those; null if it was not said.</param>
/// <param name="Window">Null if it was not said.</param>
public sealed record RateLimit(long? Limit, long? Remaining, TimeSpan? Window);
