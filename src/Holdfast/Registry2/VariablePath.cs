using System.Globalization;
using Holdfast.Configuration;

namespace Holdfast.Registry2;

/// <summary>
/// Puts one variable over the file: its name's parts lead down the settings. Where the program has a mapping with names of its own choice, a part is taken as it
/// is; elsewhere a part that it doesn't know is skipped there, which is told here.
/// </summary>
internal sealed class VariablePath(MapSetting root, Variable variable, Release release, List<Remark> remarks)
{
    // As deep as the settings go, and a list within.
    private const int MaxParts = 16;

    private readonly Origin _origin = new($"{variable.Name}, {variable.Place}", "/");

    public void Apply()
    {
        var parts = variable.Name[Variable.Prefix.Length..].Split('_');
        if (variable.Name == "REGISTRY_CONFIGURATION_PATH")
            Tell(Verdict.NotNeeded, "names the file, which is given here");
        else if (parts[0] == "VERSION")
            Tell(Verdict.NotNeeded, "the format's version");
        else if (parts.Length > MaxParts || parts.Any(part => part.Length == 0))
            Skip();
        else if (Value() is { } value)
            Descend(root, SettingTree.Root, "", parts, value);
    }

    private void Descend(MapSetting map, SettingTree tree, string path, ReadOnlySpan<string> parts, Setting value)
    {
        var isOpen = SettingTree.IsOpen(path);
        var name = isOpen
            ? map.Entries.FirstOrDefault(new PartOf(parts[0]).Fits)?.Name ?? parts[0].ToLowerInvariant()
            : tree.NameOf(path, parts[0]);
        if (name is null)
        {
            Skip();
            return;
        }

        var child = tree.Child(name);
        var key = SettingTree.Join(path, name);
        if (parts.Length == 1)
        {
            map.Set(name, _origin, value);
        }
        else if (path == "storage.maintenance")
        {
            Maintenance(map.Find(name) is MapSetting, name);
        }
        else if (child is null || child.Leaf is not null)
        {
            if (Within(map.Find(name), parts[1..], value) is { } whole)
                map.Set(name, _origin, whole);
        }
        else
        {
            if (map.Find(name) is not MapSetting inner)
                map.Set(name, _origin, inner = Inner(map.Find(name), key));
            Descend(inner, child, key, parts[1..], value);
        }
    }

    private MapSetting Inner(Setting? before, string key) =>
        before is ScalarSetting { IsEmpty: false } word && (key is "storage" or "auth") ? Registry2File.OneDriver(word) : new MapSetting(_origin);

    // That program reads these two as a mapping of another type than the one that variables make, and can't change the one that a file has made.
    private void Maintenance(bool isGiven, string name)
    {
        if (isGiven)
            Tell(Verdict.Unknown, $"is skipped there, with a line in the log: the file gives storage.maintenance.{name}, and variables don't reach into that");
        else
            Tell(Verdict.Wrong, $"the old registry ends at its start with this; there it is written REGISTRY_STORAGE_MAINTENANCE_{name.ToUpperInvariant()}={{…}}, as a whole");
    }

    // Below what is told as a whole: lists by number, mappings by name.
    private Setting? Within(Setting? before, ReadOnlySpan<string> parts, Setting value)
    {
        if (parts.Length == 0)
            return value;
        if (int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var index) && before is not MapSetting)
        {
            if (release == Release.Two)
            {
                Tell(Verdict.Unknown, "reaches into a list, which variables do since 3.x only; 2.8 skips it without a word");
                return null;
            }

            var list = before as ListSetting ?? new ListSetting(_origin);
            if (index > list.Items.Count)
            {
                Tell(Verdict.Wrong, $"there is no item {index} in a list of {list.Items.Count}");
                return null;
            }

            if (Within(list.Items.ElementAtOrDefault(index), parts[1..], value) is not { } item)
                return null;
            if (index == list.Items.Count)
                list.Items.Add(item);
            else
                list.Items[index] = item;
            return list;
        }

        var map = before as MapSetting ?? new MapSetting(_origin);
        var name = map.Entries.FirstOrDefault(new PartOf(parts[0]).Fits)?.Name ?? parts[0].ToLowerInvariant();
        if (Within(map.Find(name), parts[1..], value) is not { } inner)
            return null;
        map.Set(name, _origin, inner);
        return map;
    }

    // The value is YAML; one that is a plain word is taken as it is.
    private Setting? Value()
    {
        var text = variable.Value;
        if (text.Length == 0)
            return new ScalarSetting(_origin, "", quoted: false);
        if (!text.Contains('\n', StringComparison.Ordinal) && text[0] is not ('[' or '{' or '"' or '\'' or '&' or '*' or '!' or '|' or '>' or '%' or '@' or '`' or '#' or '-') && !text.Contains(": ", StringComparison.Ordinal))
            return new ScalarSetting(_origin, text.Trim(), quoted: false);
        var problems = new Problems();
        var parsed = YamlFile.Parse("value:\n" + string.Join('\n', text.Split('\n').Select(line => "  " + line)), variable.Name, "/", problems)?.Find("value");
        if (parsed is not null && problems.All.Count == 0)
            // What was parsed apart knows only lines of its own.
            return Registry2File.Copy(parsed, _ => _origin);
        Tell(Verdict.Wrong, "its value is not YAML as it is taken here: no anchors, aliases and tags");
        return null;
    }

    private void Skip() => Tell(Verdict.Unknown, $"names no setting of registry:2, which skips it with a line in its log{(IsOfALink ? "; container engines make such variables for a container or a service named registry" : "")}");

    private bool IsOfALink => variable.Name.StartsWith("REGISTRY_PORT", StringComparison.Ordinal) || variable.Name.StartsWith("REGISTRY_SERVICE_", StringComparison.Ordinal);

    private void Tell(Verdict verdict, string text) => remarks.Add(new Remark(variable.Name, _origin, verdict, text));

    private readonly record struct PartOf(string Part)
    {
        public bool Fits(MapSetting.Entry entry) => string.Equals(entry.Name.ToUpperInvariant(), Part, StringComparison.Ordinal);
    }
}
