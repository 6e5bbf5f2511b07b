using System.Globalization;
using System.Text;
using Holdfast.Configuration;

namespace Holdfast.Nodes;

/// <summary>Reads the keys and values of a TOML file.</summary>
/// <param name="at">Where the text stands now.</param>
/// <param name="assign">Sets a key of a table.</param>
/// <param name="closed">Tables that nothing is added to any more.</param>
internal sealed class TomlValues(TomlText text, Func<Origin> at, Action<MapSetting, List<string>, Func<Setting>> assign, HashSet<MapSetting> closed)
{
    private const int MaxDepth = 32;

    private static readonly string[] Words = ["true", "false", "inf", "+inf", "-inf", "nan", "+nan", "-nan"];

    /// <summary>A key, dotted or not, each part bare or quoted.</summary>
    public List<string> ReadKey()
    {
        var parts = new List<string>();
        do
        {
            text.SkipSpace();
            var quoted = text.Current is '"' or '\'';
            var part = quoted ? ReadString(mayBeLong: false) : text.TakeWord(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');
            if (!quoted && part.Length == 0)
                throw new FormatException($"expected a key{text.Seen()}{(text.Current is ':' or '/' ? "; put a key that has other characters than letters, digits, - and _ in quotes" : "")}");
            parts.Add(part);
            text.SkipSpace();
        }
        while (text.TryTake("."));
        if (text.Current is ':' or '/')
            throw new FormatException("a key that has other characters than letters, digits, - and _ must be in quotes: [host.\"http://…\"]");
        return parts;
    }

    /// <summary>The value of a key whose name was just read, with its equals sign.</summary>
    public Setting Read(int depth)
    {
        text.Expect("=", "the key");
        text.SkipSpace();
        return ReadValue(depth);
    }

    private Setting ReadValue(int depth)
    {
        if (depth > MaxDepth)
            throw new FormatException($"deeper than {MaxDepth} levels");
        var origin = at();
        return text.Current switch
        {
            '"' or '\'' => new ScalarSetting(origin, ReadString(mayBeLong: true), quoted: true),
            '[' => ReadArray(origin, depth),
            '{' => ReadInline(origin, depth),
            _ => new ScalarSetting(origin, ReadWord(), quoted: false),
        };
    }

    private ListSetting ReadArray(Origin origin, int depth)
    {
        var list = new ListSetting(origin);
        text.Take('[');
        for (text.SkipBlank(); !text.TryTake("]"); text.SkipBlank())
        {
            list.Items.Add(ReadValue(depth + 1));
            text.SkipBlank();
            if (text.TryTake(","))
                continue;
            if (text.Current != ']')
                throw new FormatException($"expected , or ] in the array{text.Seen()}");
        }

        return list;
    }

    private MapSetting ReadInline(Origin origin, int depth)
    {
        var map = new MapSetting(origin);
        text.Take('{');
        text.SkipSpace();
        while (!text.TryTake("}"))
        {
            assign(map, ReadKey(), () => Read(depth + 1));
            text.SkipSpace();
            if (text.TryTake(","))
                text.SkipSpace();
            else if (text.Current != '}')
                throw new FormatException($"expected , or }} in the inline table{text.Seen()}");
        }

        closed.Add(map);
        return map;
    }

    // Numbers and dates are nobody's business here but TOML's: they have a digit, and none of the characters that no such value has.
    private string ReadWord()
    {
        var word = text.TakeWord(static c => char.IsAsciiLetterOrDigit(c) || c is '+' or '-' or '_' or '.' or ':');
        var isNumber = word.Length > 0 && char.IsAsciiDigit(word.TrimStart('+', '-').FirstOrDefault());
        if (!isNumber && !Words.Contains(word, StringComparer.Ordinal))
            throw new FormatException(word.Length == 0 ? $"expected a value{text.Seen()}" : $"{Problems.Quote(word)} is not a value; put text in quotes");
        return word;
    }

    private string ReadString(bool mayBeLong)
    {
        var quote = text.Current;
        var isLong = mayBeLong && text.TryTake(new string(quote, 3));
        var value = new StringBuilder();
        if (!isLong)
            text.Take(quote);
        else if (!text.TryTake("\r\n"))
            text.TryTake("\n");
        while (!TryEnd(quote, isLong, value))
        {
            if (!isLong && text.Current is '\n' or '\r')
                throw new FormatException("a quote is not closed on its line");
            var c = text.Next();
            if (c == '\\' && quote == '"')
                ReadEscape(value, isLong);
            else
                value.Append(c);
        }

        return value.ToString();
    }

    // A long string may end in one or two quotes of its own.
    private bool TryEnd(char quote, bool isLong, StringBuilder value)
    {
        if (!isLong)
            return text.TryTake(quote.ToString());
        if (!text.TryTake(new string(quote, 3)))
            return false;
        for (var more = 0; more < 2 && text.TryTake(quote.ToString()); more++)
            value.Append(quote);
        return true;
    }

    private void ReadEscape(StringBuilder value, bool isLong)
    {
        var c = text.Next();
        var plain = "btnfr\"\\".IndexOf(c);
        if (plain >= 0)
        {
            value.Append("\b\t\n\f\r\"\\"[plain]);
        }
        else if (c is 'u' or 'U')
        {
            var digits = string.Concat(Enumerable.Range(0, c == 'u' ? 4 : 8).Select(_ => text.Next()));
            var isRune = int.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code) & Rune.IsValid(code);
            value.Append(isRune ? new Rune(code).ToString() : throw new FormatException($"\\{c}{digits} is no character"));
        }
        else if (isLong && c is ' ' or '\t' or '\r' or '\n')
        {
            while (text.Current is ' ' or '\t' or '\r' or '\n')
                text.Next();
        }
        else
        {
            throw new FormatException($"\\{c} is no escape; write \\\\ for a backslash, or use single quotes");
        }
    }
}
