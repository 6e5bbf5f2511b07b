using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Holdfast.Oci;

/// <summary>
/// A content identifier, <c>algorithm:lowercase-hex</c> (image-spec v1.1, descriptor.md "Digests").
/// The default value is no digest: <see cref="IsNone"/> is true and every other member throws.
/// </summary>
public readonly struct Digest : IEquatable<Digest>, IComparable<Digest>
{
    private readonly string? _text;

    private Digest(string text) => _text = text;

    public bool IsNone => _text is null;

    public DigestAlgorithm Algorithm => Text.Length == 71 ? DigestAlgorithm.Sha256 : DigestAlgorithm.Sha512;

    /// <summary>The hash in lower-case hex, without the algorithm.</summary>
    public ReadOnlySpan<char> Hex => Text.AsSpan(7);

    private string Text => _text ?? throw new InvalidOperationException("this is no digest");

    /// <summary>Accepts exactly <c>sha256:</c> and 64, or <c>sha512:</c> and 128, lower-case hex digits; nothing before or after.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out Digest digest)
    {
        digest = default;
        if (!IsWellFormed(text))
            return false;
        digest = new Digest(text.ToString());
        return true;
    }

    /// <summary>As <see cref="TryParse(ReadOnlySpan{char}, out Digest)"/>, keeping the given string instead of a copy.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out Digest digest)
    {
        digest = default;
        if (text is null || !IsWellFormed(text))
            return false;
        digest = new Digest(text);
        return true;
    }

    /// <exception cref="FormatException">The text is not a digest of a registered algorithm.</exception>
    public static Digest Parse(string text) =>
        TryParse(text, out var digest) ? digest : throw new FormatException($"'{text}' is not a sha256 or sha512 digest");

    /// <param name="algorithm">How <paramref name="hash"/> was made.</param>
    /// <param name="hash">The hash's bytes: 32 for sha256, 64 for sha512.</param>
    public static Digest FromHash(DigestAlgorithm algorithm, ReadOnlySpan<byte> hash)
    {
        if (hash.Length != algorithm.SizeBytes())
            throw new ArgumentException($"a {algorithm.Name()} hash has {algorithm.SizeBytes()} bytes, not {hash.Length}", nameof(hash));
        return new Digest(string.Concat(algorithm.Name(), ":", Convert.ToHexStringLower(hash)));
    }

    /// <summary>Hashes <paramref name="content"/>.</summary>
    public static Digest Compute(DigestAlgorithm algorithm, ReadOnlySpan<byte> content)
    {
        Span<byte> hash = stackalloc byte[64];
        var written = algorithm == DigestAlgorithm.Sha256 ? SHA256.HashData(content, hash) : SHA512.HashData(content, hash);
        return FromHash(algorithm, hash[..written]);
    }

    /// <summary>The stored form: one byte for the algorithm (its enum value), then the hash.</summary>
    public byte[] ToBytes()
    {
        var bytes = new byte[1 + Algorithm.SizeBytes()];
        bytes[0] = (byte)Algorithm;
        Convert.FromHexString(Hex, bytes.AsSpan(1), out _, out _);
        return bytes;
    }

    /// <exception cref="FormatException">The bytes were not made by <see cref="ToBytes"/>.</exception>
    public static Digest FromBytes(ReadOnlySpan<byte> bytes) => bytes switch
    {
        [(byte)DigestAlgorithm.Sha256, ..] when bytes.Length == 33 => FromHash(DigestAlgorithm.Sha256, bytes[1..]),
        [(byte)DigestAlgorithm.Sha512, ..] when bytes.Length == 65 => FromHash(DigestAlgorithm.Sha512, bytes[1..]),
        _ => throw new FormatException($"{bytes.Length} stored bytes are not a digest"),
    };

    public bool Equals(Digest other) => string.Equals(_text, other._text, StringComparison.Ordinal);

    public override bool Equals(object? obj) => obj is Digest other && Equals(other);

    public override int GetHashCode() => _text is null ? 0 : string.GetHashCode(_text, StringComparison.Ordinal);

    public int CompareTo(Digest other) => string.CompareOrdinal(_text, other._text);

    public override string ToString() => _text ?? "";

    public static bool operator ==(Digest left, Digest right) => left.Equals(right);

    public static bool operator !=(Digest left, Digest right) => !left.Equals(right);

    public static bool operator <(Digest left, Digest right) => left.CompareTo(right) < 0;

    public static bool operator >(Digest left, Digest right) => left.CompareTo(right) > 0;

    public static bool operator <=(Digest left, Digest right) => left.CompareTo(right) <= 0;

    public static bool operator >=(Digest left, Digest right) => left.CompareTo(right) >= 0;

    private static bool IsWellFormed(ReadOnlySpan<char> text)
    {
        if (!(text.Length == 71 && text.StartsWith("sha256:", StringComparison.Ordinal))
            && !(text.Length == 135 && text.StartsWith("sha512:", StringComparison.Ordinal)))
            return false;
        return !text[7..].ContainsAnyExcept(LowerHex);
    }

    private static readonly System.Buffers.SearchValues<char> LowerHex = System.Buffers.SearchValues.Create("0123456789abcdef");
}
