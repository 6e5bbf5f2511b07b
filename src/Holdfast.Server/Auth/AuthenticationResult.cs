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
