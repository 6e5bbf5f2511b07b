using System.Globalization;
using System.Text;
using Holdfast.Configuration;

namespace Holdfast.Registry2;

/// <summary>A variable REGISTRY_… of the old registry's environment.</summary>
/// <param name="Place">Where it was given.</param>
internal sealed record Variable(string Name, string Value, string Place)
{
    public const string Prefix = "REGISTRY_";

    private const int MaxFileBytes = YamlFile.MaxBytes;

    /// <returns>Null if the text is no assignment to such a variable.</returns>
    public static Variable? Parse(string text, string place)
    {
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        var name = equals < 0 ? text : text[..equals];
        return equals > 0 && name.StartsWith(Prefix, StringComparison.Ordinal) && name.Length > Prefix.Length ? new Variable(name, text[(equals + 1)..], place) : null;
    }

    /// <summary>Reads a file as docker's --env-file and systemd's EnvironmentFile: NAME=value lines and comments. Other variables are passed over.</summary>
    public static List<Variable> ReadFile(string path, Problems problems)
    {
        var variables = new List<Variable>();
        if (ReadText(path, problems) is not { } text)
            return variables;
        var number = 0;
        foreach (var raw in text.Split('\n'))
        {
            number++;
            var line = raw.Trim();
            if (line.Length == 0 || line[0] is '#' or ';')
                continue;
            if (line.StartsWith("export ", StringComparison.Ordinal))
                line = line[7..].TrimStart();
            var place = string.Create(CultureInfo.InvariantCulture, $"{path}:{number}");
            if (!line.Contains('=', StringComparison.Ordinal))
                problems.Add(new Origin(place, "/", number), "", "not a line of the form NAME=value");
            else if (Parse(line, place) is { } variable)
                variables.Add(variable with { Value = Unquote(variable.Value) });
        }

        return variables;
    }

    private static string Unquote(string value) =>
        value is ['"', .., '"'] or ['\'', .., '\''] ? value[1..^1] : value;

    private static string? ReadText(string path, Problems problems)
    {
        if (ReadableFile.Fault(path) is { } fault)
        {
            problems.Add(new Origin(path, "/"), "", fault);
            return null;
        }

        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var bytes = new byte[MaxFileBytes + 1];
        var length = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        try
        {
            if (length <= MaxFileBytes)
                return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes, 0, length).TrimStart('\uFEFF');
            problems.Add(new Origin(path, "/"), "", "is larger than 1 MiB; this can't be a file of variables");
        }
        catch (DecoderFallbackException)
        {
            problems.Add(new Origin(path, "/"), "", "is not UTF-8 text");
        }

        return null;
    }
}
