using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Holdfast.Client;

/// <summary>What a token endpoint gave.</summary>
internal readonly record struct IssuedToken(string Text, TimeSpan Lifetime);

/// <summary>Asks a token endpoint (Docker token authentication: GET with Basic credentials, or with none).</summary>
internal sealed class TokenEndpoint(Wire wire, Func<AuthenticationHeaderValue?> credentials)
{
    private const int MaxAnswerBytes = 256 << 10;

    // Longer ones do not fit into the headers that servers accept.
    private const int MaxTokenLength = 32 << 10;

    // Docker token authentication: "for compatibility with older clients, a token should never be returned with less than 60 seconds to live".
    private static readonly TimeSpan DefaultLifetime = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan MaxLifetime = TimeSpan.FromDays(1);

    public async ValueTask<RegistryAnswer<IssuedToken>> FetchAsync(Challenge challenge, string scope, CancellationToken token)
    {
        if (FindRealm(challenge, out var realm) is { } problem)
            return new(problem);
        var ask = new Ask(HttpMethod.Get, Address(realm, challenge["service"], scope))
        {
            Accept = ["application/json"],
            Authorization = credentials(),
        };
        var reply = await wire.SendAsync(ask, token);
        if (reply.Response is not { } response)
            return new(reply.Failure! with { Detail = $"no token from {realm.Authority}, to which {wire.Options.Registry.Authority} sends whoever has none: {reply.Failure.Detail}" });
        using (response)
        {
            if ((int)response.StatusCode != 200)
                return new(Refusal(await Failures.OfStatusAsync(wire.Options, response, token)));
            var body = await BoundedBody.ReadAsync(wire.Options, response, MaxAnswerBytes, token);
            if (!body.TryGet(out var bytes, out var failure))
                return new(failure);
            return Read(bytes) is { } issued
                ? new(issued)
                : new(new RegistryFailure(RegistryOutcome.Unusable, $"the token endpoint at {realm.Authority} answered without a token that can be used"));
        }
    }

    private RegistryFailure? FindRealm(Challenge challenge, out Uri realm)
    {
        var registry = wire.Options.Registry;
        realm = registry;
        if (!Uri.TryCreate(registry, challenge["realm"], out var found) || challenge["realm"] is "" || found.Scheme is not ("http" or "https"))
        {
            return new RegistryFailure(
                RegistryOutcome.Unusable,
                $"{registry.Authority} wants a Bearer token, but its realm '{Failures.Printable(challenge["realm"] ?? "")}' is no http or https address");
        }
        realm = found;
        if (wire.Options.Username is not null && realm.Scheme == Uri.UriSchemeHttp && !realm.IsLoopback && !wire.Options.PasswordOverPlainHttp)
        {
            return new RegistryFailure(
                RegistryOutcome.Denied, $"{registry.Authority} wants the password to go to {realm.Authority} over plain http, where others can read it; it was not sent");
        }
        // Whoever can read the way there could read the token too, so that asking as nobody would not be safe either.
        return registry.Scheme == Uri.UriSchemeHttps && realm.Scheme == Uri.UriSchemeHttp
            ? new RegistryFailure(
                RegistryOutcome.Denied,
                $"{registry.Authority} is https, but its token endpoint at {realm.Authority} is plain http; credentials are not sent there")
            : null;
    }

    // A missing endpoint says nothing about what was asked for (P6).
    private RegistryFailure Refusal(RegistryFailure failure) => failure with
    {
        // What a user may do is said by the token; without one it is the user who isn't known.
        RefusesLogin = wire.Options.Username is not null && failure.Status == 401,
        Outcome = failure.Outcome == RegistryOutcome.Unknown ? RegistryOutcome.Unusable : failure.Outcome,
        Detail = $"no token: {failure.Detail}",
    };

    private static Uri Address(Uri realm, string? service, string scope)
    {
        var query = new StringBuilder(realm.Query.TrimStart('?'));
        if (!string.IsNullOrEmpty(service))
            query.Append("&service=").Append(Uri.EscapeDataString(service));
        foreach (var one in scope.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            query.Append("&scope=").Append(Uri.EscapeDataString(one));
        return new UriBuilder(realm) { Query = query.ToString().TrimStart('&'), Fragment = "", UserName = "", Password = "" }.Uri;
    }

    private static IssuedToken? Read(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            if (document.RootElement is not { ValueKind: JsonValueKind.Object } root)
                return null;
            var text = Text(root, "token") ?? Text(root, "access_token");
            if (text is null || text.Length > MaxTokenLength || text.AsSpan().ContainsAnyExceptInRange('!', '~'))
                return null;
            var lifetime = root.TryGetProperty("expires_in", out var seconds) && seconds.ValueKind == JsonValueKind.Number && seconds.TryGetInt64(out var count) && count > 0
                ? TimeSpan.FromSeconds(Math.Min(count, (long)MaxLifetime.TotalSeconds))
                : DefaultLifetime;
            return new IssuedToken(text, lifetime);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static string? Text(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } text ? text : null;
}
