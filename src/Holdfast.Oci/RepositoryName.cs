using System.Diagnostics.CodeAnalysis;

namespace Holdfast.Oci;

/// <summary>
/// A repository's <c>&lt;name&gt;</c> (dist-spec v1.1.1, "Pulling manifests"): components of lower-case letters and digits with
/// single separators (<c>.</c>, <c>_</c>, <c>__</c>, or any number of <c>-</c>) between them, joined by slashes.
/// </summary>
public readonly struct RepositoryName : IEquatable<RepositoryName>, IComparable<RepositoryName>
{
    /// <summary>Characters; the limit clients put on host and name together (dist-spec v1.1.1, implementers' note).</summary>
    public const int MaxLength = 255;

    private readonly string? _text;

    private RepositoryName(string text) => _text = text;

    public bool IsNone => _text is null;

    public static bool TryParse(ReadOnlySpan<char> text, out RepositoryName name)
    {
        name = default;
        if (!IsWellFormed(text))
            return false;
        name = new RepositoryName(text.ToString());
        return true;
    }

    public static bool TryParse([NotNullWhen(true)] string? text, out RepositoryName name)
    {
        name = default;
        if (text is null || !IsWellFormed(text))
            return false;
        name = new RepositoryName(text);
        return true;
    }

    /// <exception cref="FormatException">The text is not a repository name.</exception>
    public static RepositoryName Parse(string text) =>
        TryParse(text, out var name) ? name : throw new FormatException($"'{text}' is not a repository name");

    public bool Equals(RepositoryName other) => string.Equals(_text, other._text, StringComparison.Ordinal);

    public override bool Equals(object? obj) => obj is RepositoryName other && Equals(other);

    public override int GetHashCode() => _text is null ? 0 : string.GetHashCode(_text, StringComparison.Ordinal);

    public int CompareTo(RepositoryName other) => string.CompareOrdinal(_text, other._text);

    public override string ToString() => _text ?? "";

    public static bool operator ==(RepositoryName left, RepositoryName right) => left.Equals(right);

    public static bool operator !=(RepositoryName left, RepositoryName right) => !left.Equals(right);

    public static bool operator <(RepositoryName left, RepositoryName right) => left.CompareTo(right) < 0;

    public static bool operator >(RepositoryName left, RepositoryName right) => left.CompareTo(right) > 0;

    public static bool operator <=(RepositoryName left, RepositoryName right) => left.CompareTo(right) <= 0;

    public static bool operator >=(RepositoryName left, RepositoryName right) => left.CompareTo(right) >= 0;

    // One pass: every separator run must stand between two alphanumerics and be '.', '_', '__', '/' or dashes only.
    private static bool IsWellFormed(ReadOnlySpan<char> text)
    {
        if (text.IsEmpty || text.Length > MaxLength || !IsAlphanumeric(text[0]) || !IsAlphanumeric(text[^1]))
            return false;
        for (var i = 1; i < text.Length; i++)
        {
            if (IsAlphanumeric(text[i]))
                continue;
            var start = i;
            while (!IsAlphanumeric(text[i]))
                i++;
            var run = text[start..i];
            if (run is not ("." or "_" or "__" or "/") && run.ContainsAnyExcept('-'))
                return false;
        }
        return true;
    }

    private static bool IsAlphanumeric(char c) => c is (>= 'a' and <= 'z') or (>= '0' and <= '9');
}
