using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Holdfast.Server.Probe;

/// <summary>
/// What the server shows at its own door: a secret of this process, made at its start and never written down, with which everything can be read and nothing
/// changed. It comes over its own addresses only, to which it is sent.
/// </summary>
internal sealed class SelfPass
{
    private const string Scheme = "Bearer ";

    private readonly byte[] _header;

    private SelfPass(string token) => (Token, _header) = (token, Encoding.ASCII.GetBytes(Scheme + token));

    public string Token { get; }

    public static SelfPass Create() => new($"self-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32))}");

    /// <summary>Is this request the server's own?</summary>
    public bool IsShownBy(HttpContext context)
    {
        var headers = context.Request.Headers.Authorization;
        return headers is [{ } header] && header.Length == _header.Length && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(header), _header);
    }
}
