namespace Holdfast.Client;

/// <summary>One challenge of WWW-Authenticate (RFC 9110, 11.6.1).</summary>
internal sealed class Challenge(string scheme)
{
    private readonly Dictionary<string, string> _parameters = new(StringComparer.OrdinalIgnoreCase);

    public string Scheme { get; } = scheme;

    public string? this[string name] => _parameters.GetValueOrDefault(name);

    public bool Is(string scheme) => Scheme.Equals(scheme, StringComparison.OrdinalIgnoreCase);

    /// <summary>Reads what can be read; garbage ends its header, not the reading of the others.</summary>
    public static IReadOnlyList<Challenge> Parse(IEnumerable<string> headers)
    {
        var challenges = new List<Challenge>();
        foreach (var header in headers)
            ParseInto(challenges, header);
        return challenges;
    }

    private static void ParseInto(List<Challenge> challenges, string header)
    {
        Challenge? current = null;
        var rest = header.AsSpan();
        while (true)
        {
            rest = rest.TrimStart(" \t,");
            var word = TakeToken(ref rest);
            if (word.Length == 0)
                return;
            rest = rest.TrimStart(" \t");
            // A name is followed by one equals sign; a token68 may end with some, and stands for itself.
            if (current is not null && rest is ['=', ..] && rest is not ['=', '=', ..] && TryTakeValue(ref rest, out var value))
                current._parameters.TryAdd(word.ToString(), value);
            else if (rest is ['=', ..])
                rest = rest.TrimStart('=');
            else
                challenges.Add(current = new Challenge(word.ToString()));
        }
    }

    private static ReadOnlySpan<char> TakeToken(ref ReadOnlySpan<char> rest)
    {
        var end = rest.IndexOfAnyExcept(TokenCharacters);
        var token = end < 0 ? rest : rest[..end];
        rest = rest[token.Length..];
        return token;
    }

    private static bool TryTakeValue(ref ReadOnlySpan<char> rest, out string value)
    {
        var after = rest[1..].TrimStart(" \t");
        if (after is not ['"', ..])
        {
            value = TakeToken(ref after).ToString();
            // Without a value, the name is left with its equals sign for the caller to pass over.
            if (value.Length > 0)
                rest = after;
            return value.Length > 0;
        }
        var text = new System.Text.StringBuilder();
        for (var i = 1; i < after.Length && after[i] != '"'; i++)
        {
            if (after[i] == '\\' && i + 1 < after.Length)
                i++;
            text.Append(after[i]);
        }
        value = text.ToString();
        // Skips the same way again: what the text was made of is longer than the text.
        rest = after[LengthOfQuoted(after)..];
        return true;
    }

    private static int LengthOfQuoted(ReadOnlySpan<char> quoted)
    {
        for (var i = 1; i < quoted.Length; i++)
        {
            if (quoted[i] == '"')
                return i + 1;
            if (quoted[i] == '\\')
                i++;
        }
        return quoted.Length;
    }

    // RFC 9110, 5.6.2, and what a token68 has besides (RFC 9110, 11.2), without the equals sign.
    private static readonly System.Buffers.SearchValues<char> TokenCharacters = System.Buffers.SearchValues.Create(
        "!#$%&'*+-.^_`|~/:0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
}
