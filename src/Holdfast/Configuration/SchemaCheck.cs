namespace Holdfast.Configuration;

/// <summary>Compares settings with the schema; afterwards, what isn't marked bad can be read without looking again.</summary>
internal sealed class SchemaCheck(Problems problems)
{
    public void Check(MapSetting root) => Check(root, Schema.Root, "");

    private void Check(Setting setting, Shape shape, string path)
    {
        if (setting.Bad)
            return;
        switch (shape)
        {
            case Value value:
                CheckValue(setting, value, path);
                break;
            case Group group:
                CheckGroup(setting, group, path);
                break;
            case Named named:
                CheckNamed(setting, named, path);
                break;
            case Items items:
                CheckItems(setting, items, path);
                break;
            default:
                throw new InvalidOperationException($"no check for {shape}");
        }
    }

    private void CheckValue(Setting setting, Value value, string path)
    {
        if (setting is not ScalarSetting scalar)
            Fail(setting, path, $"wants one value ({value.Kind}), not a {(setting is ListSetting ? "list" : "mapping")}");
        else if (scalar.IsEmpty)
            Fail(setting, path, $"has no value ({value.Kind}); write one or remove the key");
        else if (value.Fault(scalar.Text) is { } fault)
            Fail(setting, path, fault);
    }

    private void CheckGroup(Setting setting, Group group, string path)
    {
        if (setting is ScalarSetting scalar)
        {
            if (scalar.IsEmpty && group.IfEmpty is { } ifEmpty)
                Fail(setting, path, $"is empty; {ifEmpty}");
            else if (!scalar.IsEmpty && scalar.Text != group.Word)
                Fail(setting, path, $"{Problems.Quote(scalar.Text)} is not a mapping; {(group.IfEmpty ?? $"its keys are {Names(group)}")}");
            return;
        }

        if (setting is not MapSetting map)
        {
            Fail(setting, path, $"wants a mapping with the keys {Names(group)}, not a list; remove the dash");
            return;
        }

        foreach (var entry in map.Entries)
        {
            if (Array.Find(group.Keys, k => k.Name == entry.Name) is { } key)
                Check(entry.Value, key.Shape, Join(path, entry.Name));
            else
                Unknown(entry, group, path);
        }
    }

    private void CheckNamed(Setting setting, Named named, string path)
    {
        if (setting is ScalarSetting { IsEmpty: true })
            Fail(setting, path, "is empty; name at least one, or remove the key");
        else if (setting is not MapSetting map)
            Fail(setting, path, "wants a mapping from names to their settings");
        else if (map.Entries.Count == 0)
            Fail(setting, path, "is empty; name at least one, or remove the key");
        else
        {
            foreach (var entry in map.Entries)
            {
                if (named.NameFault(entry.Name) is { } fault)
                    problems.Add(entry.Origin, Join(path, entry.Name), fault);
                Check(entry.Value, named.Item, Join(path, entry.Name));
            }
        }
    }

    private void CheckItems(Setting setting, Items items, string path)
    {
        var empty = setting is ScalarSetting { IsEmpty: true } or ListSetting { Items.Count: 0 };
        if (empty && items.IfEmpty is { } ifEmpty)
            Fail(setting, path, $"is empty; {ifEmpty}");
        else if (empty)
            return;
        else if (setting is ListSetting list)
        {
            for (var i = 0; i < list.Items.Count; i++)
                Check(list.Items[i], items.Item, $"{path}[{i}]");
        }
        else
        {
            Fail(setting, path, setting is ScalarSetting scalar
                ? $"wants a list; write [{scalar.Text}]"
                : "wants a list; begin each item with a dash");
        }
    }

    private void Unknown(MapSetting.Entry entry, Group group, string path)
    {
        var key = Join(path, entry.Name);
        var suggestion = Suggestion.For(entry.Name, path, group);
        // A whole unknown section says less than its keys, which may be known elsewhere.
        if (suggestion is null && entry.Value is MapSetting { Entries.Count: > 0 } section)
        {
            foreach (var inner in section.Entries)
                Unknown(inner, group, key);
            return;
        }

        entry.Value.Bad = true;
        problems.Add(entry.Origin, key, $"unknown key; {suggestion ?? $"known here: {Names(Schema.At(path) ?? Schema.Root)}"}");
    }

    private void Fail(Setting setting, string path, string text)
    {
        setting.Bad = true;
        problems.Add(setting.Origin, path, text);
    }

    private static string Names(Group group) => string.Join(", ", group.Keys.Select(k => k.Name));

    private static string Join(string path, string name) => path.Length == 0 ? name : $"{path}.{name}";
}
