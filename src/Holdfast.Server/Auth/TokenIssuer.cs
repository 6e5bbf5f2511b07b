using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Holdfast.Oci;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Holdfast.Server.Auth;

/// <summary>Makes and reads one registry's tokens (Docker token authentication, JWT claims).</summary>
internal sealed class TokenIssuer
{
    /// <summary>Characters; a longer header is no token of ours.</summary>
    public const int MaxTokenLength = 16 << 10;

    // We read our own clock's times; this is for that clock being set back.
    private static readonly TimeSpan Skew = TimeSpan.FromSeconds(5);

    private readonly JsonWebTokenHandler _handler = new() { SetDefaultTimesOnTokenCreation = false, MaximumTokenSizeInBytes = MaxTokenLength };
    private readonly TokenOptions _options;
    private readonly string _issuer;
    private readonly SigningCredentials _credentials;
    private readonly TokenValidationParameters _validation;
    private readonly TimeProvider _time;

    public TokenIssuer(TokenOptions options, string registry, TokenSigner signer, TimeProvider time)
    {
        (_options, _time) = (options, time);
        Service = options.Service ?? registry;
        // Registries of one data folder share the key and may share the service name, but never the issuer.
        _issuer = "holdfast/" + registry;
        _credentials = new SigningCredentials(signer.Key, SecurityAlgorithms.HmacSha256);
        _validation = new TokenValidationParameters
        {
            ValidAlgorithms = [SecurityAlgorithms.HmacSha256],
            IssuerSigningKey = signer.Key,
            TryAllIssuerSigningKeys = true,
            RequireSignedTokens = true,
            ValidIssuer = _issuer,
            ValidAudience = Service,
            LifetimeValidator = (notBefore, expires, _, _) =>
            {
                var now = _time.GetUtcNow().UtcDateTime;
                return notBefore <= now + Skew && expires > now;
            },
        };
    }

    /// <summary>The audience, and the service that challenges name.</summary>
    public string Service { get; }

    public Uri? Realm => _options.Realm;

    public TimeSpan Lifetime => _options.Lifetime;

    /// <param name="user">Null for an anonymous caller.</param>
    public string Issue(string? user, TokenScope granted, DateTimeOffset now)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("iss", _issuer);
            json.WriteString("sub", user ?? "");
            json.WriteString("aud", Service);
            json.WriteNumber("exp", (now + Lifetime).ToUnixTimeSeconds());
            json.WriteNumber("nbf", now.ToUnixTimeSeconds());
            json.WriteNumber("iat", now.ToUnixTimeSeconds());
            json.WriteString("jti", RandomNumberGenerator.GetHexString(32, lowercase: true));
            json.WriteStartArray("access");
            foreach (var (repository, actions) in granted.Repositories)
                WriteAccess(json, "repository", repository.ToString(), TokenScope.NamesOf(actions));
            if (granted.Catalog)
                WriteAccess(json, "registry", "catalog", ["*"]);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return _handler.CreateToken(Encoding.UTF8.GetString(buffer.WrittenSpan), _credentials);
    }

    /// <summary>Reads a token.</summary>
    /// <returns>Null unless it is one that this registry issued and that is valid now.</returns>
    public async ValueTask<IssuedToken?> ReadAsync(string token)
    {
        if (token.Length > MaxTokenLength)
            return null;
        var result = await _handler.ValidateTokenAsync(token, _validation);
        // Invalid ones come back as a result with the exception inside; its text is for nobody.
        if (!result.IsValid || result.SecurityToken is not JsonWebToken jwt)
            return null;
        using var payload = JsonDocument.Parse(Base64UrlEncoder.DecodeBytes(jwt.EncodedPayload));
        var user = jwt.Subject;
        return new IssuedToken(string.IsNullOrEmpty(user) ? null : user, ReadAccess(payload.RootElement), new DateTimeOffset(jwt.ValidTo));
    }

    private static void WriteAccess(Utf8JsonWriter json, string type, string name, IEnumerable<string> actions)
    {
        json.WriteStartObject();
        json.WriteString("type", type);
        json.WriteString("name", name);
        json.WriteStartArray("actions");
        foreach (var action in actions)
            json.WriteStringValue(action);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    // The signature was checked, so this is what WriteAccess wrote.
    private static TokenScope ReadAccess(JsonElement payload)
    {
        var scope = new TokenScope();
        foreach (var access in payload.GetProperty("access").EnumerateArray())
        {
            if (access.GetProperty("type").ValueEquals("registry"u8))
            {
                scope.Catalog = true;
                continue;
            }
            foreach (var action in access.GetProperty("actions").EnumerateArray())
                scope.Add(RepositoryName.Parse(access.GetProperty("name").GetString()!), TokenScope.ActionNamed(action.GetString()));
        }
        return scope;
    }
}

/// <param name="User">Null for an anonymous caller.</param>
internal sealed record IssuedToken(string? User, TokenScope Granted, DateTimeOffset Expires);
