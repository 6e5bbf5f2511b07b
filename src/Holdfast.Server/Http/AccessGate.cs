namespace Holdfast.Server.Http;

/// <summary>Finds out who sends a request and decides whether that one may do what the place needs.</summary>
internal delegate ValueTask<Admission> AccessGate(RegistryRequest request, RegistryActions needed);

/// <summary>May a request go on?</summary>
internal enum AdmissionOutcome
{
    Admitted,

    /// <summary>401 UNAUTHORIZED with the challenge.</summary>
    Unauthorized,

    /// <summary>403 DENIED. Decided by the name alone, so that it tells nothing about what exists.</summary>
    Denied,

    /// <summary>429 TOOMANYREQUESTS with Retry-After.</summary>
    SlowDown,

    /// <summary>403 DENIED: nobody administers through a registry that has no users.</summary>
    LocalOnly,
}

/// <param name="Caller">Set if admitted or denied.</param>
/// <param name="Challenge">The WWW-Authenticate header of a 401.</param>
internal readonly record struct Admission(AdmissionOutcome Outcome, Caller? Caller, string? Challenge, TimeSpan RetryAfter)
{
    public static Admission Admitted(Caller caller) => new(AdmissionOutcome.Admitted, caller, null, default);

    public static Admission Denied(Caller caller) => new(AdmissionOutcome.Denied, caller, null, default);

    public static Admission Unauthorized(string challenge) => new(AdmissionOutcome.Unauthorized, null, challenge, default);

    public static Admission LocalOnly() => new(AdmissionOutcome.LocalOnly, null, null, default);

    public static Admission SlowDown(TimeSpan retryAfter) => new(AdmissionOutcome.SlowDown, null, null, retryAfter);
}
