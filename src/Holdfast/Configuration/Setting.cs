namespace Holdfast.Configuration;

/// <summary>Where a setting was given.</summary>
/// <param name="Text">As problems name it.</param>
/// <param name="BaseFolder">What relative paths in it are relative to.</param>
/// <param name="Line">The line in the file; null if it isn't in a file.</param>
internal sealed record Origin(string Text, string BaseFolder, int? Line = null);

/// <summary>A value of the configuration before it is known to be right: from the file, the environment or an argument.</summary>
internal abstract class Setting(Origin origin)
{
    public Origin Origin => origin;

    /// <summary>A problem was reported for it; whoever reads it further says nothing more.</summary>
    public bool Bad { get; set; }
}

internal sealed class ScalarSetting(Origin origin, string text, bool quoted) : Setting(origin)
{
    public string Text => text;

    public bool IsQuoted => quoted;

    /// <summary>Nothing was written, or YAML's words for nothing.</summary>
    public bool IsEmpty => !quoted && text is "" or "~" or "null";
}

internal sealed class ListSetting(Origin origin) : Setting(origin)
{
    public List<Setting> Items { get; } = [];
}

internal sealed class MapSetting(Origin origin) : Setting(origin)
{
    private readonly List<Entry> entries = [];

    public IReadOnlyList<Entry> Entries => entries;

    public Setting? Find(string name) => entries.Find(e => e.Name == name)?.Value;

    public Entry? FindEntry(string name) => entries.Find(e => e.Name == name);

    /// <summary>Adds a setting, or puts it in the place of the one that is there.</summary>
    public void Set(string name, Origin keyOrigin, Setting value)
    {
        var entry = new Entry(name, keyOrigin, value);
        var index = entries.FindIndex(e => e.Name == name);
        if (index < 0)
            entries.Add(entry);
        else
            entries[index] = entry;
    }

    internal sealed record Entry(string Name, Origin Origin, Setting Value);
}
