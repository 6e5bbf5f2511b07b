using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace Holdfast.Server.Http;

/// <summary>
/// Names of repositories: <c>*</c> stands for any characters of one component, <c>**</c> for any characters at all, also none.
/// Matching takes at most pattern length times name length steps, and one comparison for the usual <c>prefix/**</c>.
/// </summary>
public sealed class RepositoryPattern
{
    private const char Star = '*';
    private const char DoubleStar = '⁑';

    private static readonly SearchValues<char> Allowed = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789._-/*");

    private readonly string _text;
    private readonly string _prefix;

    // What follows the literal prefix, with DoubleStar as one character; starts with a wildcard unless empty.
    private readonly string _rest;

    private RepositoryPattern(string text)
    {
        _text = text;
        var tokens = text.Replace("**", "⁑", StringComparison.Ordinal);
        var wildcard = tokens.AsSpan().IndexOfAny(Star, DoubleStar);
        (_prefix, _rest) = wildcard < 0 ? (tokens, "") : (tokens[..wildcard], tokens[wildcard..]);
    }

    /// <summary>Does it stand for one name only?</summary>
    public bool IsLiteral => _rest.Length == 0;

    /// <summary>Does it stand for every name?</summary>
    public bool IsEverything => _prefix.Length == 0 && _rest is "⁑";

    public static bool TryParse(string text, [NotNullWhen(true)] out RepositoryPattern? pattern, [NotNullWhen(false)] out string? problem)
    {
        pattern = null;
        problem = text switch
        {
            "" => "the pattern is empty",
            { Length: > 255 } => "the pattern is longer than 255 characters",
            _ when text.AsSpan().ContainsAnyExcept(Allowed) => $"'{text}' holds a character that no repository name has",
            _ when text.Contains("***", StringComparison.Ordinal) => $"'{text}': use * within one component, ** for any depth",
            _ when text[0] == '/' || text[^1] == '/' || text.Contains("//", StringComparison.Ordinal) =>
                $"'{text}' has a slash at its start or end, or two in a row, and matches nothing",
            _ => null,
        };
        if (problem is not null)
            return false;
        pattern = new RepositoryPattern(text);
        return true;
    }

    public bool Matches(string name)
    {
        if (!name.StartsWith(_prefix, StringComparison.Ordinal))
            return false;
        var remaining = name.AsSpan(_prefix.Length);
        return _rest switch
        {
            "" => remaining.IsEmpty,
            "⁑" => true,
            "*" => !remaining.ContainsAny('/', DoubleStar),
            _ => MatchesRest(remaining),
        };
    }

    /// <summary>
    /// Does it match every name that the other matches? It reads the other's wildcards as characters that only a wildcard at least as wide can
    /// take. A yes is certain; a no may be wrong where only several parts together cover one (<c>*/**</c> and <c>**/*</c>).
    /// </summary>
    public bool Covers(RepositoryPattern other) => Matches(string.Concat(other._prefix, other._rest));

    public override string ToString() => _text;

    // The set of places in the pattern that the characters read so far can have led to; no going back.
    private bool MatchesRest(ReadOnlySpan<char> name)
    {
        Span<bool> places = stackalloc bool[_rest.Length + 1];
        places.Clear();
        places[0] = true;
        SkipWildcards(places);
        foreach (var c in name)
        {
            for (var i = _rest.Length; i >= 0; i--)
            {
                var stays = i < _rest.Length && places[i] && (_rest[i] == DoubleStar || (_rest[i] == Star && c is not ('/' or DoubleStar)));
                places[i] = stays || (i > 0 && places[i - 1] && _rest[i - 1] == c);
            }
            SkipWildcards(places);
        }
        return places[_rest.Length];
    }

    // A wildcard may stand for nothing.
    private void SkipWildcards(Span<bool> places)
    {
        for (var i = 0; i < _rest.Length; i++)
            places[i + 1] |= places[i] && (_rest[i] is Star or DoubleStar);
    }
}
