using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace Holdfast.Server.Auth;

/// <summary>A name and a password from a Basic header (RFC 7617).</summary>
internal readonly record struct BasicCredentials(string Name, byte[] Password)
{
    // A name and the most bytes that bcrypt's library takes, with room.
    private const int MaxBytes = 1536;

    public static bool TryParse(ReadOnlySpan<char> encoded, out BasicCredentials credentials)
    {
        credentials = default;
        Span<byte> decoded = stackalloc byte[MaxBytes];
        try
        {
            if (!Convert.TryFromBase64Chars(encoded.Trim(' '), decoded, out var length))
                return false;
            var colon = decoded[..length].IndexOf((byte)':');
            if (colon <= 0 || !TryReadName(decoded[..colon], out var name))
                return false;
            credentials = new BasicCredentials(name, decoded[(colon + 1)..length].ToArray());
            return true;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(decoded);
        }
    }

    /// <summary>The header that says the same.</summary>
    public static string Header(string name, string password) =>
        "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{name}:{password}"));

    private static bool TryReadName(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out string? name)
    {
        name = Encoding.UTF8.GetString(bytes);
        return name.Length <= HtpasswdText.MaxNameLength;
    }
}
