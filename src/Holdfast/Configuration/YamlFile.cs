using System.Text;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Holdfast.Configuration;

/// <summary>
/// Reads a YAML file into settings. Anchors, aliases, tags and several documents are refused: a configuration reads from top to bottom,
/// and what can't be written can't expand (no billion laughs).
/// </summary>
internal sealed class YamlFile
{
    /// <summary>A configuration is a few KiB; this bounds what a mistaken path (a disk image, a log) can cost.</summary>
    public const int MaxBytes = 1 << 20;

    private const int MaxDepth = 32;

    private readonly string name;
    private readonly string folder;
    private readonly Problems problems;
    private readonly Parser parser;

    // The last line of which the parser said something.
    private long lastLine = 1;

    private YamlFile(string text, string name, string folder, Problems problems)
    {
        this.name = name;
        this.folder = folder;
        this.problems = problems;
        parser = new Parser(new Scanner(new StringReader(text), skipComments: true));
    }

    /// <param name="path">The file, as the user named it; problems name it so.</param>
    /// <returns>The file's settings; null if it can't be read at all, which <paramref name="problems"/> then say.</returns>
    public static MapSetting? Read(string path, Problems problems)
    {
        var origin = new Origin(path, Path.GetDirectoryName(Path.GetFullPath(path)) ?? "/");
        if (ReadText(path, origin, problems) is not { } text)
            return null;
        return Parse(text, path, origin.BaseFolder, problems);
    }

    public static MapSetting? Parse(string text, string name, string folder, Problems problems)
    {
        if (HasTabs(text, name, folder, problems))
            return null;
        var file = new YamlFile(text, name, folder, problems);
        try
        {
            return file.ReadDocument();
        }
        catch (YamlException e)
        {
            problems.Add(Line(name, folder, e.Start.Line), "", YamlFault.Explain(e, text));
            return null;
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException or IndexOutOfRangeException)
        {
            // The library's own slip on text that isn't YAML, for example a bracket that is never closed; it then knows no line.
            problems.Add(Line(name, folder, file.lastLine), "", "not valid YAML in what follows this line; check the brackets and quotes");
            return null;
        }
    }

    private static string? ReadText(string path, Origin origin, Problems problems)
    {
        try
        {
            if (Directory.Exists(path))
                return Refuse("is a folder, not a file");
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            var bytes = new byte[MaxBytes + 1];
            var length = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            if (length > MaxBytes)
                return Refuse("is larger than 1 MiB; this can't be a configuration");
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes, 0, length).TrimStart('\uFEFF');
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return Refuse("no such file; `holdfast config sample` prints one to start from");
        }
        catch (UnauthorizedAccessException)
        {
            return Refuse($"may not be read by user {Environment.UserName}");
        }
        catch (DecoderFallbackException)
        {
            return Refuse("is not UTF-8 text");
        }
        catch (Exception e) when (e is IOException or ArgumentException or NotSupportedException)
        {
            return Refuse($"can't be read: {e.Message}");
        }

        string? Refuse(string text)
        {
            problems.Add(origin, "", text);
            return null;
        }
    }

    // The library's own words for a tab depend on what stands before it, and some tabs it takes as part of a value.
    private static bool HasTabs(string text, string name, string folder, Problems problems)
    {
        var found = false;
        var number = 0;
        foreach (var line in text.AsSpan().EnumerateLines())
        {
            number++;
            var start = line.IndexOfAnyExcept(' ', '\t');
            if (start <= 0 || line[start] == '#' || !line[..start].Contains('\t'))
                continue;
            problems.Add(Line(name, folder, number), "", "a tab in the indentation; YAML wants spaces there: replace the tab by spaces");
            found = true;
        }

        return found;
    }

    private MapSetting? ReadDocument()
    {
        parser.Consume<StreamStart>();
        if (parser.Current is StreamEnd || !parser.TryConsume<DocumentStart>(out _))
            return Empty();
        var root = ReadNode("", 0);
        parser.Consume<DocumentEnd>();
        if (parser.Current is DocumentStart second)
            problems.Add(At(second), "", "a second document begins here; a configuration is one document: remove the line ---");
        if (root is MapSetting map)
            return map;
        if (root is ScalarSetting { IsEmpty: true })
            return Empty();
        if (!root.Bad)
            problems.Add(root.Origin, "", "the file is not made of keys and values; write `key: value` lines, with a space after the colon");
        return null;
    }

    private MapSetting? Empty()
    {
        problems.Add(new Origin(name, folder), "", "the file is empty; remove it from the command to serve with the defaults");
        return null;
    }

    private Setting ReadNode(string path, int depth)
    {
        if (depth > MaxDepth)
            throw new YamlException(parser.Current!.Start, parser.Current.End, $"deeper than {MaxDepth} levels");
        if (parser.TryConsume<AnchorAlias>(out var alias))
            return Refused(alias, path, $"a value that begins with * must be quoted: \"*{alias.Value}\" (YAML aliases are not supported)");
        if (parser.Current is NodeEvent node)
            CheckPlain(node, path);
        if (parser.TryConsume<Scalar>(out var scalar))
            return new ScalarSetting(At(scalar), scalar.Value, scalar.Style != ScalarStyle.Plain);
        if (parser.TryConsume<SequenceStart>(out var sequence))
        {
            var list = new ListSetting(At(sequence));
            while (!parser.TryConsume<SequenceEnd>(out _))
                list.Items.Add(ReadNode($"{path}[{list.Items.Count}]", depth + 1));
            return list;
        }

        return ReadMap(path, depth);
    }

    private MapSetting ReadMap(string path, int depth)
    {
        var map = new MapSetting(At(parser.Consume<MappingStart>()));
        while (!parser.TryConsume<MappingEnd>(out _))
        {
            var start = parser.Current!;
            if (ReadNode(path, depth + 1) is not ScalarSetting key)
            {
                problems.Add(At(start), path, "a key must be one word; quote a value that begins with { or [");
                ReadNode(path, depth + 1);
                continue;
            }

            var keyPath = path.Length == 0 ? key.Text : $"{path}.{key.Text}";
            var value = ReadNode(keyPath, depth + 1);
            if (map.FindEntry(key.Text) is { } first)
                problems.Add(key.Origin, keyPath, $"given twice; the first is at {first.Origin.Text}");
            else
                map.Set(key.Text, key.Origin, value);
        }

        return map;
    }

    private void CheckPlain(NodeEvent node, string path)
    {
        if (!node.Anchor.IsEmpty)
            problems.Add(At(node), path, $"anchors are not supported; remove &{node.Anchor.Value}");
        if (!node.Tag.IsEmpty)
            problems.Add(At(node), path, $"tags are not supported; remove {Problems.Quote(node.Tag.Value)}");
    }

    private ScalarSetting Refused(ParsingEvent at, string path, string text)
    {
        problems.Add(At(at), path, text);
        return new ScalarSetting(At(at), "", quoted: true) { Bad = true };
    }

    private Origin At(ParsingEvent at)
    {
        lastLine = at.Start.Line;
        return Line(name, folder, lastLine);
    }

    private static Origin Line(string name, string folder, long line) => new($"{name}:{line}", folder, (int)line);
}
