using System.Buffers;
using System.Security.Cryptography;

namespace Holdfast.Server.Http;

/// <summary>Request ids: the client's own if it is harmless, else a short one that this process gives only once.</summary>
internal static class RequestIds
{
    public const string Header = "X-Request-Id";

    private const string Digits = "0123456789abcdefghjkmnpqrstvwxyz";
    private const int PrefixLength = 6;
    private const int CounterLength = 8;

    private static readonly SearchValues<char> Allowed =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

    // Tells the ids of two processes apart: 30 random bits, drawn once.
    private static readonly string Prefix = RandomNumberGenerator.GetString(Digits, PrefixLength);
    private static long _last;

    public static string Choose(string? offered) => offered is not null && IsAcceptable(offered) ? offered : Next();

    private static bool IsAcceptable(string id) => id.Length is > 0 and <= 64 && !id.AsSpan().ContainsAnyExcept(Allowed);

    private static string Next() => string.Create(PrefixLength + CounterLength, Interlocked.Increment(ref _last), static (text, number) =>
    {
        Prefix.CopyTo(text);
        for (var i = text.Length - 1; i >= PrefixLength; i--, number >>= 5)
            text[i] = Digits[(int)(number & 31)];
    });
}
