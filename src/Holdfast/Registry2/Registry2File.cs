using Holdfast.Configuration;

namespace Holdfast.Registry2;

/// <summary>Reads a registry:2 configuration as that program does: the file, and variables over it.</summary>
internal static class Registry2File
{
    public const string ImageDefaultName = "the file in the image registry:2";

    // What of the file in its image matters here; the rest of it is not needed.
    private const string ImageDefault = """
        version: 0.1
        storage:
          filesystem:
            rootdirectory: /var/lib/registry
        http:
          addr: :5000
        """;

    /// <param name="path">Null: the file that the image registry:2 brings along.</param>
    /// <returns>Null if it can't be read, which <paramref name="problems"/> then tell.</returns>
    public static MapSetting? Read(string? path, Problems problems)
    {
        if (path is null)
            return YamlFile.Parse(ImageDefault, ImageDefaultName, "/", problems);
        if (File.Exists(path) || Directory.Exists(path))
            return YamlFile.Read(path, problems);
        problems.Add(new Origin(path, "/"), "", "no such file; give the config.yml that the old registry is started with. In its container it is /etc/docker/registry/config.yml, or /etc/distribution/config.yml in 3.x");
        return null;
    }

    /// <summary>Puts variables REGISTRY_… over the file, in the order of their names: REGISTRY_STORAGE before REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY.</summary>
    public static void Override(MapSetting root, IEnumerable<Variable> variables, Release release, List<Remark> remarks)
    {
        foreach (var variable in variables.OrderBy(v => v.Name, StringComparer.Ordinal))
            new VariablePath(root, variable, release, remarks).Apply();
        // A word alone is a driver or a way to log in, without parameters.
        foreach (var name in (ReadOnlySpan<string>)["storage", "auth"])
        {
            if (root.FindEntry(name) is { Value: ScalarSetting { IsEmpty: false } word } entry)
                root.Set(name, entry.Origin, OneDriver(word));
        }
    }

    /// <summary>Settings that can be overridden while the others stay as they are.</summary>
    /// <param name="originOf">Where the copy says that each was given.</param>
    public static Setting Copy(Setting setting, Func<Origin, Origin> originOf)
    {
        switch (setting)
        {
            case ScalarSetting scalar:
                return new ScalarSetting(originOf(scalar.Origin), scalar.Text, scalar.IsQuoted);
            case ListSetting list:
                var items = new ListSetting(originOf(list.Origin));
                items.Items.AddRange(list.Items.Select(item => Copy(item, originOf)));
                return items;
            default:
                var map = new MapSetting(originOf(setting.Origin));
                foreach (var entry in ((MapSetting)setting).Entries)
                    map.Set(entry.Name, originOf(entry.Origin), Copy(entry.Value, originOf));
                return map;
        }
    }

    public static MapSetting OneDriver(ScalarSetting word)
    {
        var map = new MapSetting(word.Origin);
        map.Set(word.Text, word.Origin, new MapSetting(word.Origin));
        return map;
    }
}
