using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using Holdfast.Oci;

namespace Holdfast.Server.Http;

/// <summary>Names of tags: <c>*</c> is any run of characters, also none, <c>?</c> is one character; all else stands for itself, case included.</summary>
public sealed class TagPattern
{
    private static readonly SearchValues<char> Allowed =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-*?");

    private readonly string _text;

    private TagPattern(string text) => _text = text;

    /// <summary>Does it stand for every tag?</summary>
    public bool IsEverything => _text.All(c => c == '*') || (_text.Contains('*', StringComparison.Ordinal) && _text.Replace("*", "", StringComparison.Ordinal) is "?");

    /// <param name="problem">What is wrong; a pattern that no tag can match is wrong too.</param>
    public static bool TryParse(string text, [NotNullWhen(true)] out TagPattern? pattern, [NotNullWhen(false)] out string? problem)
    {
        var strange = text.AsSpan().IndexOfAnyExcept(Allowed);
        problem = text switch
        {
            "" => "the pattern is empty; * stands for every tag",
            _ when strange >= 0 => $"no tag has {(char.IsControl(text[strange]) ? "a control character" : $"'{text[strange]}'")} in it; use a-z, A-Z, 0-9, . _ - and * ?",
            _ when text[0] is '.' or '-' => $"no tag begins with '{text[0]}'",
            _ when text.Count(c => c != '*') > Tag.MaxLength => $"no tag is longer than {Tag.MaxLength} characters",
            // Longer ones say nothing that a shorter one doesn't: only stars in a row are left.
            { Length: > 2 * Tag.MaxLength + 1 } => "stars in a row mean the same as one",
            _ => null,
        };
        pattern = problem is null ? new TagPattern(text) : null;
        return pattern is not null;
    }

    public bool Matches(string tag)
    {
        // What was matched before the last star stays matched: only that star ever takes one character more, so that no pattern takes more
        // than pattern length times tag length steps.
        var (at, next) = (0, 0);
        var (star, taken) = (-1, 0);
        while (at < tag.Length)
        {
            if (next < _text.Length && _text[next] == '*')
            {
                (star, taken) = (next++, at);
            }
            else if (next < _text.Length && (_text[next] == '?' || _text[next] == tag[at]))
            {
                at++;
                next++;
            }
            else if (star >= 0)
            {
                (at, next) = (++taken, star + 1);
            }
            else
            {
                return false;
            }
        }

        while (next < _text.Length && _text[next] == '*')
            next++;
        return next == _text.Length;
    }

    public override string ToString() => _text;
}
