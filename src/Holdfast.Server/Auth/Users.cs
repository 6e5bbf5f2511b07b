using Holdfast.Server.Http;

namespace Holdfast.Server.Auth;

/// <summary>A registry's users: their file, their rights, and how their passwords are checked.</summary>
internal sealed record Users(HtpasswdFile File, AccessRules Rules, PasswordCheck Passwords)
{
    /// <summary>What a request without credentials gets; the same for each, so made once.</summary>
    public AuthenticationResult Anonymous { get; } = AuthenticationResult.Accepted(
        new Caller(null, Rules.Anonymous.Of), Rules.Anonymous.IsNothing ? null : new Caller(null, Rules.Anonymous.Of));
}
