using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Holdfast.Oci;
using Holdfast.Server.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Primitives;

namespace Holdfast.Server.Auth;

/// <summary>
/// The token endpoint (Docker token authentication: GET with Basic credentials; Docker OAuth2: POST with a password grant).
/// Refresh tokens are not issued: a client that asks for one gets none and keeps its password, as the specification allows.
/// </summary>
internal sealed class TokenHandler(Authenticator authenticator, TimeProvider time)
{
    private const int MaxFormBytes = 16 << 10;

    /// <summary>The name by which a repository is kept, which rules and tokens are for.</summary>
    public Func<RepositoryName, RepositoryName> NameOf { get; init; } = static repository => repository;

    public async Task HandleAsync(HttpContext context, IPAddress client, CancellationToken token)
    {
        if (authenticator.Tokens is not { } tokens)
        {
            await WriteErrorAsync(context, 404, ErrorCode.Unsupported, "this registry issues no tokens", token);
            return;
        }
        var request = context.Request;
        if (HttpMethods.IsGet(request.Method))
            await HandleGetAsync(context, tokens, client, token);
        else if (HttpMethods.IsPost(request.Method))
            await HandlePostAsync(context, tokens, client, token);
        else
        {
            context.Response.Headers.Allow = "GET, POST";
            await WriteErrorAsync(context, 405, ErrorCode.Unsupported, "the token endpoint understands GET and POST", token);
        }
    }

    private async Task HandleGetAsync(HttpContext context, TokenIssuer tokens, IPAddress client, CancellationToken token)
    {
        var authorization = context.Request.Headers.Authorization;
        var authenticated = await authenticator.AuthenticateAsync(context, client, token);
        // A token does not buy another token: it could be kept alive for ever.
        if (authorization.Count > 0 && authorization[0]?.StartsWith("Basic ", StringComparison.OrdinalIgnoreCase) != true)
            authenticated = AuthenticationResult.Refused(AuthenticationOutcome.InvalidCredentials);
        var query = context.Request.Query;
        await AnswerAsync(context, tokens, authenticated, query["service"], query["scope"], token);
    }

    private async Task HandlePostAsync(HttpContext context, TokenIssuer tokens, IPAddress client, CancellationToken token)
    {
        if (await ReadFormAsync(context.Request, token) is not { } form)
        {
            await WriteOAuthErrorAsync(context, "invalid_request", "a form of at most 16 KiB is expected", token);
            return;
        }
        if (form.GetValueOrDefault("grant_type") is not ["password"])
        {
            await WriteOAuthErrorAsync(context, "unsupported_grant_type", "only grant_type=password is supported", token);
            return;
        }
        if (form.GetValueOrDefault("username") is not [{ Length: > 0 } name] || form.GetValueOrDefault("password") is not [{ } password])
        {
            await WriteOAuthErrorAsync(context, "invalid_request", "username and password are required", token);
            return;
        }
        var authenticated = name.Contains(':', StringComparison.Ordinal)
            ? AuthenticationResult.Refused(AuthenticationOutcome.InvalidCredentials)
            : await authenticator.AuthenticateAsync(BasicCredentials.Header(name, password), client, token);
        await AnswerAsync(context, tokens, authenticated, form.GetValueOrDefault("service"), form.GetValueOrDefault("scope"), token);
    }

    private async Task AnswerAsync(
        HttpContext context, TokenIssuer tokens, AuthenticationResult authenticated, StringValues service, StringValues scopes,
        CancellationToken token)
    {
        if (authenticated.Outcome == AuthenticationOutcome.SlowDown)
        {
            var seconds = Math.Max(1, (int)Math.Ceiling(authenticated.RetryAfter.TotalSeconds));
            context.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
            await WriteErrorAsync(context, 429, ErrorCode.TooManyRequests, "too many failed logins; try again later", token);
            return;
        }
        if (authenticated.Caller is not { } caller)
        {
            context.Response.Headers.WWWAuthenticate = Challenges.Basic;
            await WriteErrorAsync(context, 401, ErrorCode.Unauthorized, "the user name or the password is wrong", token);
            return;
        }
        if (service.Any(s => !string.IsNullOrEmpty(s) && !string.Equals(s, tokens.Service, StringComparison.Ordinal)))
        {
            await WriteOAuthErrorAsync(context, "invalid_request", $"this endpoint issues tokens for the service '{tokens.Service}' only", token);
            return;
        }
        if (!TokenScope.TryParse(scopes, out var requested))
        {
            var limit = $"at most {TokenScope.MaxScopes} scopes of {TokenScope.MaxLength} characters together";
            await WriteOAuthErrorAsync(context, "invalid_scope", limit, token);
            return;
        }
        await WriteTokenAsync(context, tokens, caller.User, Permitted(caller, requested, authenticated.CatalogCaller is not null), token);
    }

    private TokenScope Permitted(Caller caller, TokenScope requested, bool mayList)
    {
        var granted = new TokenScope { Catalog = requested.Catalog && mayList };
        foreach (var (asked, actions) in requested.Repositories)
        {
            var repository = NameOf(asked);
            var may = RegistryActions.None;
            foreach (var action in (ReadOnlySpan<RegistryActions>)[RegistryActions.Pull, RegistryActions.Push, RegistryActions.Delete])
                may |= (actions & action) != 0 && caller.May(repository, action) ? action : RegistryActions.None;
            if (may != RegistryActions.None)
                granted.Add(repository, may);
        }
        return granted;
    }

    private async Task WriteTokenAsync(HttpContext context, TokenIssuer tokens, string? user, TokenScope granted, CancellationToken token)
    {
        var now = time.GetUtcNow();
        var issued = tokens.Issue(user, granted, now);
        await WriteJsonAsync(
            context,
            200,
            json =>
            {
                json.WriteString("token", issued);
                json.WriteString("access_token", issued);
                json.WriteNumber("expires_in", (long)tokens.Lifetime.TotalSeconds);
                json.WriteString("issued_at", now.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture));
            },
            token);
    }

    private static async Task<Dictionary<string, StringValues>?> ReadFormAsync(HttpRequest request, CancellationToken token)
    {
        if (request.ContentType?.StartsWith("application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase) != true
            || request.ContentLength > MaxFormBytes)
        {
            return null;
        }
        var bytes = new byte[MaxFormBytes + 1];
        var length = await request.Body.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, token);
        return length > MaxFormBytes ? null : QueryHelpers.ParseQuery(Encoding.UTF8.GetString(bytes, 0, length));
    }

    private static Task WriteErrorAsync(HttpContext context, int status, ErrorCode code, string message, CancellationToken token) =>
        WriteJsonAsync(
            context,
            status,
            json =>
            {
                json.WriteStartArray("errors");
                json.WriteStartObject();
                json.WriteString("code", code.Text());
                json.WriteString("message", message);
                json.WriteEndObject();
                json.WriteEndArray();
            },
            token);

    // RFC 6749, 5.2
    private static Task WriteOAuthErrorAsync(HttpContext context, string error, string description, CancellationToken token) =>
        WriteJsonAsync(
            context,
            400,
            json =>
            {
                json.WriteString("error", error);
                json.WriteString("error_description", description);
            },
            token);

    private static async Task WriteJsonAsync(HttpContext context, int status, Action<Utf8JsonWriter> members, CancellationToken token)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        context.Response.Headers.CacheControl = "no-store";
        using var buffer = new MemoryStream();
        await using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        }
        context.Response.ContentLength = buffer.Length;
        await context.Response.Body.WriteAsync(buffer.GetBuffer().AsMemory(0, (int)buffer.Length), token);
    }
}
