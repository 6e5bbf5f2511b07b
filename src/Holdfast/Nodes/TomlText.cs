namespace Holdfast.Nodes;

/// <summary>The characters of a TOML file, one after the other.</summary>
internal sealed class TomlText(string text)
{
    private const char End = '\0';

    private int _at;

    /// <summary>From 1.</summary>
    public int Line { get; private set; } = 1;

    public bool IsAtEnd => _at >= text.Length;

    /// <summary>At the end a character that no file may have.</summary>
    public char Current => IsAtEnd ? End : text[_at];

    public char Next()
    {
        var c = Current;
        if (IsAtEnd)
            throw new FormatException("the file ends in the middle of a value; a quote or a bracket is not closed");
        _at++;
        if (c == '\n')
            Line++;
        else if ((char.IsControl(c) && c is not ('\t' or '\r')) || c == '\uFFFD')
            throw new FormatException("there is a character that text doesn't have");
        return c;
    }

    public bool TryTake(string what)
    {
        if (string.CompareOrdinal(text, _at, what, 0, what.Length) != 0)
            return false;
        foreach (var _ in what)
            Next();
        return true;
    }

    public void Take(char c)
    {
        if (Current != c)
            throw new FormatException($"expected {c}");
        Next();
    }

    public void Expect(string what, string after)
    {
        SkipSpace();
        if (!TryTake(what))
            throw new FormatException($"expected {what} after {after}{Seen()}");
    }

    public void SkipSpace()
    {
        while (Current is ' ' or '\t')
            Next();
    }

    /// <summary>Spaces, comments and ends of lines.</summary>
    public void SkipBlank()
    {
        while (!IsAtEnd)
        {
            if (Current == '#')
                SkipComment();
            else if (Current is ' ' or '\t' or '\n' or '\r')
                Next();
            else
                return;
        }
    }

    /// <summary>After a value or a header nothing else stands on the line.</summary>
    public void EndLine()
    {
        SkipSpace();
        if (Current == '#')
            SkipComment();
        if (!IsAtEnd && !TryTake("\r\n") && !TryTake("\n"))
            throw new FormatException($"something follows the value{Seen()}");
    }

    /// <summary>The characters up to one that ends a bare word.</summary>
    public string TakeWord(Func<char, bool> isPart)
    {
        var start = _at;
        while (!IsAtEnd && isPart(Current))
            Next();
        return text[start.._at];
    }

    public string Seen() => IsAtEnd ? ", and the file ends" : Current is '\n' or '\r' ? ", and the line ends" : $", and there is {Current}";

    private void SkipComment()
    {
        while (!IsAtEnd && Current != '\n')
            Next();
    }
}
