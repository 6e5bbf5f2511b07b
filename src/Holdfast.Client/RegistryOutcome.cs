namespace Holdfast.Client;

/// <summary>What came of asking a registry. Only <see cref="Unknown"/> says that something is absent (P6).</summary>
public enum RegistryOutcome
{
    Found,

    /// <summary>404.</summary>
    Unknown,

    /// <summary>401 or 403, from the registry or its token endpoint, or credentials that were not sent because they would not be safe.</summary>
    Denied,

    /// <summary>429; <see cref="RegistryFailure.RetryAfter"/> says for how long, if the registry did.</summary>
    SlowDown,

    /// <summary>5xx, no connection, a connection that broke or stalled.</summary>
    Unavailable,

    /// <summary>The bytes are not those of the digest, or not as many as they should be.</summary>
    Mismatch,

    /// <summary>It answered with what the protocol does not allow or a limit forbids; asking again will not help.</summary>
    Unusable,
}

/// <param name="Outcome">Never <see cref="RegistryOutcome.Found"/>.</param>
/// <param name="Detail">A sentence for people. Holds no credentials, no tokens and no queries of signed addresses.</param>
/// <param name="RetryAfter">What the registry asked for.</param>
public sealed record RegistryFailure(RegistryOutcome Outcome, string Detail, TimeSpan? RetryAfter = null);
