using System.Text;
using Holdfast.Configuration;

namespace Holdfast.Nodes;

/// <summary>
/// Reads a TOML 1.0 file into settings, as far as containerd's files need it: tables, arrays of tables, strings, arrays, inline tables; numbers, booleans and
/// dates stay text. No TOML library is used, since what is asked of one here is a line number for every value, and an order of tables.
/// </summary>
internal sealed class TomlFile
{
    /// <summary>A configuration is a few KiB; this bounds what a mistaken path can cost.</summary>
    public const int MaxBytes = 1 << 20;

    private readonly string _name;
    private readonly string _folder;
    private readonly TomlText _text;
    private readonly TomlValues _values;

    // Tables that a header or a dotted key made, and may not be opened by another.
    private readonly HashSet<MapSetting> _closed = [];
    private readonly HashSet<MapSetting> _opened = [];

    private TomlFile(string text, string name, string folder)
    {
        _name = name;
        _folder = folder;
        _text = new TomlText(text);
        _values = new TomlValues(_text, At, Assign, _closed);
    }

    /// <returns>The file's settings; null if it isn't TOML, which one problem then says.</returns>
    public static MapSetting? Parse(string text, string name, string folder, Problems problems)
    {
        var file = new TomlFile(text.TrimStart('\uFEFF'), name, folder);
        try
        {
            return file.Read();
        }
        catch (FormatException e)
        {
            problems.Add(file.At(), "", $"not valid TOML: {e.Message}");
            return null;
        }
    }

    /// <summary>Reads text that others wrote; the caller says what it means that it can't be read.</summary>
    /// <exception cref="IOException">It can't be read, or is too large to be what it should be.</exception>
    public static string ReadText(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var bytes = new byte[MaxBytes + 1];
        var length = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        if (length > MaxBytes)
            throw new IOException("is larger than 1 MiB");
        return Encoding.UTF8.GetString(bytes, 0, length);
    }

    private Origin At() => new($"{_name}:{_text.Line}", _folder, _text.Line);

    private MapSetting Read()
    {
        var root = new MapSetting(At());
        var table = root;
        for (_text.SkipBlank(); !_text.IsAtEnd; _text.SkipBlank())
        {
            if (_text.Current == '[')
                table = ReadHeader(root);
            else
                Assign(table, _values.ReadKey(), () => _values.Read(0));
            _text.EndLine();
        }

        return root;
    }

    private MapSetting ReadHeader(MapSetting root)
    {
        var isItem = _text.TryTake("[[");
        if (!isItem)
            _text.Take('[');
        var path = _values.ReadKey();
        _text.Expect(isItem ? "]]" : "]", "the table's name");
        var parent = Descend(root, path[..^1]);
        var found = parent.Find(path[^1]);
        var table = new MapSetting(At());
        if (isItem)
        {
            if (found is null)
                parent.Set(path[^1], At(), found = new ListSetting(At()));
            if (found is not ListSetting list || list.Items.Exists(item => item is not MapSetting))
                throw new FormatException($"[[{string.Join('.', path)}]] is something else above");
            list.Items.Add(table);
            return table;
        }

        // What only stood in the middle of other names may be opened once.
        if (found is MapSetting known && !_closed.Contains(known) && _opened.Add(known))
            return known;
        if (found is not null)
            throw new FormatException($"[{string.Join('.', path)}] is there twice; the first is at {found.Origin.Text}");
        parent.Set(path[^1], At(), table);
        _opened.Add(table);
        return table;
    }

    private void Assign(MapSetting table, List<string> path, Func<Setting> read)
    {
        var parent = table;
        foreach (var part in path[..^1])
        {
            if (parent.Find(part) is not { } next)
            {
                var made = new MapSetting(At());
                _closed.Add(made);
                parent.Set(part, At(), made);
                parent = made;
            }
            else
            {
                parent = next as MapSetting is { } map && !_opened.Contains(map) ? map : throw Twice(path, next);
            }
        }

        if (parent.FindEntry(path[^1]) is { } first)
            throw Twice(path, first.Value);
        var origin = At();
        parent.Set(path[^1], origin, read());
    }

    private MapSetting Descend(MapSetting root, List<string> path)
    {
        var table = root;
        foreach (var part in path)
        {
            var next = table.Find(part);
            if (next is null)
                table.Set(part, At(), next = new MapSetting(At()));
            table = next switch
            {
                MapSetting map => map,
                ListSetting { Items: [.., MapSetting last] } => last,
                _ => throw Twice([part], next),
            };
        }

        return table;
    }

    private static FormatException Twice(List<string> path, Setting first) => new($"{string.Join('.', path)} is given twice; the first is at {first.Origin.Text}");
}
