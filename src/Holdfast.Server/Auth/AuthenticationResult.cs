using Holdfast.Server.Http;

namespace Holdfast.Server.Auth;

/// <summary>What became of a request's credentials.</summary>
internal enum AuthenticationOutcome
{
    /// <summary>There is a caller, perhaps an anonymous one.</summary>
    Accepted,

    /// <summary>401: no such user, a wrong password, or a header that can't be read.</summary>
    InvalidCredentials,

    /// <summary>401 with error="invalid_token": forged, expired, of another registry, or of a user who is gone.</summary>
    InvalidToken,

    /// <summary>429 with Retry-After: too many failures from there.</summary>
    SlowDown,
}

/// <param name="Caller">Set if accepted.</param>
/// <param name="CatalogCaller">Who lists the catalogue; null if the token was not asked for that.</param>
/// <param name="RetryAfter">For <see cref="AuthenticationOutcome.SlowDown"/>.</param>
internal readonly record struct AuthenticationResult(
    AuthenticationOutcome Outcome, Caller? Caller, Caller? CatalogCaller, TimeSpan RetryAfter)
{
    public static AuthenticationResult Accepted(Caller caller) => new(AuthenticationOutcome.Accepted, caller, caller, default);

    public static AuthenticationResult Accepted(Caller caller, Caller? catalogCaller) =>
        new(AuthenticationOutcome.Accepted, caller, catalogCaller, default);

    public static AuthenticationResult Refused(AuthenticationOutcome outcome) => new(outcome, null, null, default);

    public static AuthenticationResult SlowDown(TimeSpan retryAfter) => new(AuthenticationOutcome.SlowDown, null, null, retryAfter);
}

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
}

/// <param name="Caller">Set if admitted or denied.</param>
/// <param name="Challenge">The WWW-Authenticate header of a 401.</param>
internal readonly record struct Admission(AdmissionOutcome Outcome, Caller? Caller, string? Challenge, TimeSpan RetryAfter)
{
    public static Admission Admitted(Caller caller) => new(AdmissionOutcome.Admitted, caller, null, default);

    public static Admission Denied(Caller caller) => new(AdmissionOutcome.Denied, caller, null, default);

    public static Admission Unauthorized(string challenge) => new(AdmissionOutcome.Unauthorized, null, challenge, default);

    public static Admission SlowDown(TimeSpan retryAfter) => new(AdmissionOutcome.SlowDown, null, null, retryAfter);
}
