namespace Holdfast.Server.Http;

/// <summary>
/// Finds out who sends a request, sets <see cref="RegistryRequest.Caller"/>, and decides whether that one may do what the place needs.
/// </summary>
internal delegate ValueTask<Admission> AccessGate(RegistryRequest request, RegistryActions needs);

internal enum AdmissionKind
{
    Admitted,

    /// <summary>401: credentials are missing or wrong.</summary>
    Unauthorized,

    /// <summary>403: the caller is known and may not.</summary>
    Denied,

    /// <summary>429: too many failures came from there.</summary>
    SlowDown,
}

/// <param name="Message">For a person; null when admitted.</param>
/// <param name="Challenge">The WWW-Authenticate value of a 401.</param>
/// <param name="RetryAfter">When to come back after a 429.</param>
internal readonly record struct Admission(AdmissionKind Kind, string? Message = null, string? Challenge = null, TimeSpan RetryAfter = default);
