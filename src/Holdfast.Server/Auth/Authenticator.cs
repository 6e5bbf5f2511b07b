using System.Net;
using Holdfast.Oci;
using Holdfast.Server.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Holdfast.Server.Auth;

/// <summary>Tells who sends a request to one registry, and whether that one may do what it asks.</summary>
internal sealed class Authenticator : IDisposable
{
    private const int MaxHeaderLength = TokenIssuer.MaxTokenLength + 16;

    private readonly string _registry;
    private readonly TimeProvider _time;
    private readonly Users? _users;

    private Authenticator(string registry, TimeProvider time, Users? users, TokenIssuer? tokens) =>
        (_registry, _time, _users, Tokens) = (registry, time, users, tokens);

    /// <summary>Null if callers are asked for Basic credentials only, or for nothing.</summary>
    public TokenIssuer? Tokens { get; }

    public bool IsOpen => _users is null;

    /// <param name="options">Null: an open registry.</param>
    /// <exception cref="InvalidDataException">The htpasswd file or a pattern is not right; the message has a line for every problem.</exception>
    /// <exception cref="DllNotFoundException">The machine lacks the library that checks passwords.</exception>
    public static Authenticator Open(AuthOptions? options, string registry, TokenSigner signer, TimeProvider time, ILogger logger)
    {
        if (options is null)
            return new Authenticator(registry, time, null, null);
        if (Bcrypt.MissingLibrary is { } missing)
            throw new DllNotFoundException(missing);
        var rules = new AccessRules(options);
        var file = HtpasswdFile.Open(options.HtpasswdFile, time, logger);
        foreach (var user in rules.NamedUsers.Where(u => !file.Current.Has(u)))
            AuthLog.UnknownUserInRule(logger, registry, user, options.HtpasswdFile);
        // Docker can't use a registry without credentials where it was asked for Basic ones: it wants an anonymous token then.
        var token = options.Token ?? (rules.Anonymous.IsNothing ? null : new TokenOptions());
        var tokens = token is null ? null : new TokenIssuer(token, registry, signer, time);
        return new Authenticator(registry, time, new Users(file, rules, new PasswordCheck(registry, time)), tokens);
    }

    /// <summary>Has the state of the users' file told, with its path; null: all is well.</summary>
    public void ReportTo(Action<string, string?> report)
    {
        if (_users?.File is { } file)
            file.Report = problem => report(file.Path, problem);
    }

    /// <summary>What the user may do now, whatever his token says.</summary>
    public Permissions PermissionsOf(string? user) => _users!.Rules.For(user);

    /// <summary>Authenticates, decides, and words the challenge: all that stands before a request's work.</summary>
    /// <param name="route">The place; its repository is the one that matters.</param>
    /// <param name="needed">None: a caller who is known is enough.</param>
    /// <param name="client">The address that failures are counted for.</param>
    public async ValueTask<Admission> AdmitAsync(
        HttpContext context, RegistryRoute route, RegistryActions needed, IPAddress client, CancellationToken token)
    {
        var authenticated = await AuthenticateAsync(context, client, token);
        switch (authenticated.Outcome)
        {
            case AuthenticationOutcome.SlowDown:
                return Admission.SlowDown(authenticated.RetryAfter);
            case AuthenticationOutcome.InvalidCredentials:
                return Admission.Unauthorized(Challenge(context, route, needed, invalidToken: false));
            case AuthenticationOutcome.InvalidToken:
                return Admission.Unauthorized(Challenge(context, route, needed, invalidToken: true));
            case AuthenticationOutcome.Accepted:
            default:
                return Decide(context, route, needed, authenticated);
        }
    }

    /// <summary>
    /// Decides about a request to administer. A password must come with it: tokens are for repositories, and wander through build machines.
    /// </summary>
    public async ValueTask<Admission> AdmitAdminAsync(HttpContext context, IPAddress client, CancellationToken token)
    {
        if (_users is null)
            return Admission.LocalOnly();
        var headers = context.Request.Headers.Authorization;
        if (headers is not [{ } header] || !header.StartsWith("Basic ", StringComparison.OrdinalIgnoreCase))
            return Admission.Unauthorized(Challenges.Basic);
        var authenticated = await AuthenticateAsync(header, client, token);
        if (authenticated.Outcome == AuthenticationOutcome.SlowDown)
            return Admission.SlowDown(authenticated.RetryAfter);
        if (authenticated.Caller is not { User: { } user } caller)
            return Admission.Unauthorized(Challenges.Basic);
        return PermissionsOf(user).MayAdminister ? Admission.Admitted(caller) : Admission.Denied(caller);
    }

    /// <summary>Finds out who sends a request. Cheap for who was verified before.</summary>
    public ValueTask<AuthenticationResult> AuthenticateAsync(HttpContext context, IPAddress client, CancellationToken token)
    {
        if (_users is null)
            return new ValueTask<AuthenticationResult>(AuthenticationResult.Accepted(Caller.Open));
        var headers = context.Request.Headers.Authorization;
        return headers.Count switch
        {
            0 => new ValueTask<AuthenticationResult>(_users.Anonymous),
            1 => AuthenticateAsync(headers[0] ?? "", client, token),
            _ => new ValueTask<AuthenticationResult>(Failed(AuthenticationOutcome.InvalidCredentials, "malformed")),
        };
    }

    /// <param name="header">The value of an Authorization header.</param>
    public ValueTask<AuthenticationResult> AuthenticateAsync(string header, IPAddress client, CancellationToken token)
    {
        if (_users is null)
            return new ValueTask<AuthenticationResult>(AuthenticationResult.Accepted(Caller.Open));
        if (header.Length > MaxHeaderLength || !CredentialHash.TryHash(header, out var key))
            return new ValueTask<AuthenticationResult>(Failed(AuthenticationOutcome.InvalidCredentials, "malformed"));
        // The reading of the file is taken once: what is verified against it is remembered with it.
        var reading = _users.File.Current;
        var isToken = header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase);
        if ((isToken ? reading.RememberedTokens : reading.Remembered).TryGet(key, out var remembered)
            && (remembered.Expires == DateTimeOffset.MaxValue || remembered.Expires > _time.GetUtcNow()))
        {
            return new ValueTask<AuthenticationResult>(remembered.Result);
        }
        if (header.StartsWith("Basic ", StringComparison.OrdinalIgnoreCase) && BasicCredentials.TryParse(header.AsSpan(6), out var credentials))
            return AuthenticatePasswordAsync(credentials, key, client, token);
        if (isToken)
            return AuthenticateTokenAsync(header[7..].Trim(' '), key, reading);
        return new ValueTask<AuthenticationResult>(Failed(AuthenticationOutcome.InvalidCredentials, "malformed"));
    }

    /// <summary>The WWW-Authenticate header that goes with a 401 for this place.</summary>
    public string Challenge(HttpContext context, RegistryRoute route, RegistryActions needed, bool invalidToken) =>
        Tokens is null
            ? Challenges.Basic
            : Challenges.Bearer(context, Tokens, Challenges.Scope(route, needed), invalidToken ? "invalid_token" : null);

    public void Dispose() => _users?.File.Dispose();

    private Admission Decide(HttpContext context, RegistryRoute route, RegistryActions needed, AuthenticationResult authenticated)
    {
        var caller = authenticated.Caller!;
        if (_users is null)
            return Admission.Admitted(caller);
        var hasToken = context.Request.Headers.Authorization.Count > 0;
        if (route.Kind == RouteKind.Catalog)
        {
            return authenticated.CatalogCaller is { } lister
                ? Admission.Admitted(lister)
                : Unauthorized(context, route, needed, hasToken);
        }
        // Clients ask /v2/ first and take what it challenges them with for all that follows, so who sends nothing is always challenged
        // there. An anonymous token is something.
        if (route.Repository.IsNone || needed == RegistryActions.None)
            return caller.User is not null || hasToken ? Admission.Admitted(caller) : Unauthorized(context, route, needed, hasToken);
        if (caller.May(route.Repository, needed))
        {
            return MountNeedingAnotherToken(context, route, caller) is { } source
                ? Admission.Unauthorized(Challenges.Bearer(
                    context, Tokens!, $"{Challenges.Scope(route, needed)} repository:{source}:pull", "insufficient_scope"))
                : Admission.Admitted(caller);
        }
        // A token that was asked for less than its user may do is to be replaced by the client; a user without the right is refused.
        var mayWithOtherToken = (PermissionsOf(caller.User).Of(route.Repository) & needed) == needed;
        return caller.User is null || mayWithOtherToken ? Unauthorized(context, route, needed, hasToken) : Admission.Denied(caller);
    }

    // A mount also reads its source (end-11). A client whose token doesn't say so, but whose user may, is asked for one that does; whose user
    // may not, goes on without the mount and learns nothing.
    private RepositoryName? MountNeedingAnotherToken(HttpContext context, RegistryRoute route, Caller caller) =>
        Tokens is not null && route.Kind == RouteKind.Uploads && Query.One(context.Request, "mount") is not null
        && RepositoryName.TryParse(Query.One(context.Request, "from"), out var source)
        && !caller.May(source, RegistryActions.Pull)
        && (PermissionsOf(caller.User).Of(source) & RegistryActions.Pull) != 0
            ? source
            : null;

    private Admission Unauthorized(HttpContext context, RegistryRoute route, RegistryActions needed, bool hasToken) =>
        Admission.Unauthorized(Tokens is null
            ? Challenges.Basic
            : Challenges.Bearer(context, Tokens, Challenges.Scope(route, needed), hasToken ? "insufficient_scope" : null));

    private async ValueTask<AuthenticationResult> AuthenticatePasswordAsync(
        BasicCredentials credentials, CredentialKey key, IPAddress client, CancellationToken token)
    {
        // Who gives up waiting leaves the check running for the others.
        return await _users!.Passwords.CheckAsync(_users, credentials, key, client).WaitAsync(token);
    }

    private async ValueTask<AuthenticationResult> AuthenticateTokenAsync(string text, CredentialKey key, HtpasswdFile.Users reading)
    {
        if (Tokens is null || await Tokens.ReadAsync(text) is not { } issued || (issued.User is not null && !reading.Has(issued.User)))
            return Failed(AuthenticationOutcome.InvalidToken, "token");
        var permissions = _users!.Rules.For(issued.User);
        var granted = issued.Granted;
        // What everyone may do without a token, he may do with one.
        var anonymous = _users.Rules.Anonymous;
        var caller = new Caller(issued.User, repository => (granted.Of(repository) & permissions.Of(repository)) | anonymous.Of(repository));
        var lister = granted.Catalog ? new Caller(issued.User, permissions.Of) : null;
        var result = AuthenticationResult.Accepted(caller, lister);
        reading.RememberedTokens.Add(key, new RememberedCaller(result, issued.Expires));
        return result;
    }

    private AuthenticationResult Failed(AuthenticationOutcome outcome, string reason)
    {
        AuthMetrics.Failed(_registry, reason);
        return AuthenticationResult.Refused(outcome);
    }
}
