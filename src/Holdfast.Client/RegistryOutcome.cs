using Holdfast.Oci;

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
public sealed record RegistryFailure(RegistryOutcome Outcome, string Detail, TimeSpan? RetryAfter = null)
{
    /// <summary>The answer's status; null if there was none.</summary>
    public int? Status { get; init; }

    /// <summary>The registry's own code (dist-spec v1.1.1, "Error Codes"); empty if it gave none.</summary>
    public string Code { get; init; } = "";

    /// <summary>Bytes of content that came; null if none were waited for.</summary>
    public long? ReceivedBytes { get; init; }

    /// <summary>What the bytes that came hash to, of a <see cref="RegistryOutcome.Mismatch"/> that all bytes came for; none if it is their number that is wrong.</summary>
    public Digest Found { get; init; }

    /// <summary>Did a good answer end before its last byte? So does a registry:2 answer for a blob that its collector has removed: 200 and no bytes.</summary>
    public bool EndedEarly { get; init; }

    /// <summary>Was nobody asked, since an earlier failure is too short ago? That one says more.</summary>
    public bool IsOfRest { get; init; }

    /// <summary>Were the user and the password refused that are configured, whatever they were for?</summary>
    public bool RefusesLogin { get; init; }

    /// <summary>Was it another host that failed, to which the registry had redirected?</summary>
    internal bool Elsewhere { get; init; }
}
