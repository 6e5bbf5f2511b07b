using Holdfast.Server.Http;
using Microsoft.AspNetCore.Http;

namespace Holdfast.Server.Auth;

/// <summary>The WWW-Authenticate header (RFC 9110, 11.6.1; RFC 6750, 3; Docker token authentication).</summary>
internal static class Challenges
{
    public const string Basic = "Basic realm=\"holdfast\"";

    public static string Bearer(HttpContext context, TokenIssuer tokens, string? scope, string? error)
    {
        // The hosting part has already put in what a trusted proxy said about scheme and host.
        var request = context.Request;
        var realm = tokens.Realm?.ToString() ?? $"{request.Scheme}://{request.Host.Value}/token";
        // Behind one address lie several caches, and a client asks for a token at the realm as it stands.
        if (Query.One(request, CacheNamespaces.Parameter) is { } name && context.Features.Get<ListenerBinding>() is { Caches: not null })
            realm += $"?{CacheNamespaces.Parameter}={Uri.EscapeDataString(name)}";
        var challenge = $"Bearer realm=\"{Quoted(realm)}\",service=\"{Quoted(tokens.Service)}\"";
        if (scope is not null)
            challenge += $",scope=\"{Quoted(scope)}\"";
        if (error is not null)
            challenge += $",error=\"{error}\"";
        return challenge;
    }

    /// <returns>Null if the place needs a caller only.</returns>
    public static string? Scope(RegistryRoute route, RegistryActions needed) => route switch
    {
        { Kind: RouteKind.Catalog } => "registry:catalog:*",
        { Repository.IsNone: true } => null,
        _ when needed == RegistryActions.None => null,
        // Who pushes or deletes looks first, with the same token.
        _ => $"repository:{route.Repository}:{string.Join(',', TokenScope.NamesOf(needed | RegistryActions.Pull))}",
    };

    private static string Quoted(string text) => text
        .Replace("\\", "\\\\", StringComparison.Ordinal)
        .Replace("\"", "\\\"", StringComparison.Ordinal);
}
