using YamlDotNet.Core;

namespace Holdfast.Configuration;

/// <summary>Says in one line what a YAML parser found, and what to do about it.</summary>
internal static class YamlFault
{
    public static string Explain(YamlException fault, string text)
    {
        // An exception of the library may be wrapped in one that only adds a position.
        var message = (fault.InnerException as YamlException ?? fault).Message;
        var line = text.Split('\n').ElementAtOrDefault((int)fault.Start.Line - 1) ?? "";
        return $"not valid YAML at column {fault.Start.Column}: {Lower(message)}{Hint(line, (int)fault.Start.Column)}";
    }

    private static string Hint(string line, int column)
    {
        var at = line.ElementAtOrDefault(column - 1);
        if (at is '*' or '&' or '@' or '`' or '%' or '!' or '|' or '>')
            return $"; put a value that begins with {at} in quotes";
        if (line.Count(c => c == '"') % 2 == 1 || line.Count(c => c == '\'') % 2 == 1)
            return "; a quote is not closed";
        if (line.Contains(": ", StringComparison.Ordinal) && line.IndexOf(": ", StringComparison.Ordinal) != line.LastIndexOf(": ", StringComparison.Ordinal))
            return "; put a value that has a colon and a space in it in quotes";
        return "; check the indentation and the brackets of this line and of the one above";
    }

    private static string Lower(string message)
    {
        var oneLine = message.ReplaceLineEndings(" ").Trim().TrimEnd('.');
        return oneLine.Length == 0 ? oneLine : char.ToLowerInvariant(oneLine[0]) + oneLine[1..];
    }
}
