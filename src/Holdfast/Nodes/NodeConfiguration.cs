using Holdfast.Configuration;

namespace Holdfast.Nodes;

/// <summary>
/// containerd's config.toml, with what it imports: does the plugin that pulls for Kubernetes read the folder of hosts.toml files? Its section has three names:
/// <c>cri</c> without a version or with version 1, <c>io.containerd.grpc.v1.cri</c> in version 2, <c>io.containerd.cri.v1.images</c> in version 3 (containerd 2).
/// </summary>
internal sealed class NodeConfiguration(string file, NodeFindings findings)
{
    public const string DefaultFolder = "/etc/containerd/certs.d";

    private const string Two = "io.containerd.grpc.v1.cri";
    private const string Three = "io.containerd.cri.v1.images";
    private const int MaxImports = 100;

    private readonly List<(string File, MapSetting Root)> _files = [];
    private int _version;

    /// <summary>The folders that are read; none if that isn't said.</summary>
    public IReadOnlyList<string> Folders { get; private set; } = [];

    /// <exception cref="IOException">It is there and can't be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public void Read()
    {
        if (!File.Exists(file) && !Directory.Exists(file))
        {
            findings.Add(file, "configMissing", $"there is no such file: containerd 1.6 and 1.7 read no hosts.toml without it (2.2 and newer read {DefaultFolder}); write one, or say where it is by --config");
            return;
        }

        ReadAll();
        if (_files.Count == 0)
            return;
        _version = _files.Select(one => one.Root.Text("version")).OfType<string>().Select(text => int.TryParse(text, out var number) ? number : 0).Append(0).Max();
        CheckDisabled();
        CheckUnquoted();
        var sections = Sections();
        CheckNames(sections);
        CheckLost(sections);
        if (FindPath(sections) is { } path)
            CheckPath(path);
        else if (!sections.Exists(one => IsRead(one.Name) && one.Section.Map("registry")?.Find("config_path") is not null))
            SayUnset(sections);
        CheckOthers(sections);
    }

    private string Right => _version switch
    {
        3 or > 3 => $"[plugins.\"{Three}\".registry]",
        2 => $"[plugins.\"{Two}\".registry]",
        _ => "[plugins.cri.registry]",
    };

    private void ReadAll()
    {
        var pending = new Queue<string>([file]);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (pending.TryDequeue(out var path))
        {
            if (!seen.Add(path) || seen.Count > MaxImports)
                continue;
            var problems = new Problems();
            var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
            if (TomlFile.Parse(TomlFile.ReadText(path), path, folder, problems) is not { } root)
            {
                findings.Add(problems, "toml", "containerd doesn't start with it");
                continue;
            }

            _files.Add((path, root));
            foreach (var import in root.List("imports").OfType<ScalarSetting>())
            {
                var full = Path.GetFullPath(import.Text, folder);
                if (full.Contains('*', StringComparison.Ordinal))
                    Expand(full).ForEach(pending.Enqueue);
                else if (File.Exists(full))
                    pending.Enqueue(full);
                else
                    findings.Add(import.Origin, "importMissing", $"imports {full}, which isn't there: containerd doesn't start with it");
            }
        }
    }

    private static List<string> Expand(string pattern)
    {
        var folder = Path.GetDirectoryName(pattern)!;
        return Directory.Exists(folder) ? [.. Directory.EnumerateFiles(folder, Path.GetFileName(pattern)).Order(StringComparer.Ordinal)] : [];
    }

    private void CheckDisabled()
    {
        foreach (var plugin in _files.SelectMany(one => one.Root.List("disabled_plugins")).OfType<ScalarSetting>().Where(p => p.Text is "cri" or Two or Three))
            findings.Add(plugin.Origin, "criDisabled", $"the plugin {plugin.Text} is off, which pulls for Kubernetes (Docker's packages write it so); take it out of disabled_plugins");
    }

    // [plugins.io.containerd.grpc.v1.cri.registry] is a plugin "io" with something in it.
    private void CheckUnquoted()
    {
        foreach (var (_, root) in _files)
        {
            if (root.Map("plugins").Map("io") is { } io)
                findings.Add(io.Origin, "pluginUnquoted", $"the plugin's name must be in quotes, {Right}: without them its parts are tables of their own, which containerd 2 ignores and containerd 1 doesn't start with");
        }
    }

    private List<(string File, string Name, MapSetting Section)> Sections() =>
        [.. _files.SelectMany(one => (one.Root.Map("plugins")?.Entries ?? [])
            .Where(e => e is { Name: "cri" or Two or Three, Value: MapSetting })
            .Select(e => (one.File, e.Name, (MapSetting)e.Value)))];

    private bool IsRead(string name) => name == (_version switch { >= 3 => Three, 2 => Two, _ => "cri" });

    private void CheckNames(List<(string File, string Name, MapSetting Section)> sections)
    {
        foreach (var (_, name, section) in sections.Where(one => !IsRead(one.Name)))
        {
            if (section.Find("registry") is not { } registry)
                continue;
            var why = _version switch
            {
                >= 3 => "version = 3",
                2 when name == Three => "version = 2, where only containerd 2 knows this name",
                2 => "version = 2, and containerd 1 doesn't start with it",
                _ => "no `version`, which containerd 1 takes for version 1; write `version = 2` at the top, and the name as it is",
            };
            findings.Add(registry.Origin, "wrongSection", $"[plugins.\"{name}\".registry] is not read in a file with {why}{(_version >= 2 ? $"; write {Right}" : "")}");
        }
    }

    // containerd 1 takes a plugin's section from one file only: the one that is imported last.
    private void CheckLost(List<(string File, string Name, MapSetting Section)> sections)
    {
        var ours = sections.Where(one => IsRead(one.Name)).ToList();
        if (_version < 3 && ours.Count > 1 && ours[^1].Section.Find("registry") is null && ours.Find(one => one.Section.Find("registry") is not null) is { File: not null } lost)
            findings.Add(ours[^1].Section.Origin, "importReplaces", $"imported, it takes the place of the whole section in {lost.File}, its registry settings with it (containerd 1; containerd 2 merges them); write them here too");
    }

    private ScalarSetting? FindPath(List<(string File, string Name, MapSetting Section)> sections) =>
        sections.Where(one => IsRead(one.Name)).Select(one => one.Section.Map("registry").Scalar("config_path")).LastOrDefault(path => path is { Text.Length: > 0 });

    private void SayUnset(List<(string File, string Name, MapSetting Section)> sections)
    {
        var elsewhere = sections.Select(one => one.Section.Find("config_path")).FirstOrDefault(path => path is not null);
        if (elsewhere is not null)
            findings.Add(elsewhere.Origin, "configPathMisplaced", $"config_path stands in the plugin's own section, where nothing reads it; it belongs under {Right}");
        else if (findings.All.All(f => f.Code is not ("wrongSection" or "pluginUnquoted")))
            findings.Add(file, "configPathUnset", $"config_path is not set, so that no hosts.toml is read (containerd 2.2 and newer read {DefaultFolder} then); under {Right} write config_path = \"{DefaultFolder}\"");
    }

    private void CheckPath(ScalarSetting path)
    {
        if (!path.IsQuoted)
        {
            findings.Add(path.Origin, "configPathType", $"config_path is no text: containerd doesn't start with it; write config_path = \"{DefaultFolder}\"");
            return;
        }

        var bare = path.Text.Trim('"', '\'', ' ');
        if (bare != path.Text)
            findings.Add(path.Origin, "configPathQuoted", $"config_path has quotes or spaces inside its quotes, so that a folder of that very name is looked for, which isn't there: write config_path = \"{bare}\"");
        Folders = [.. bare.Split(':', StringSplitOptions.RemoveEmptyEntries)];
        foreach (var folder in Folders.Where(folder => !Path.IsPathRooted(folder)))
            findings.Add(path.Origin, "configPathRelative", $"{Problems.Quote(folder)} is relative, to wherever containerd was started; write the full path");
        if (Folders.Count > 0 && !Folders.Any(Directory.Exists))
            findings.Add(path.Origin, "configPathMissing", $"{string.Join(" and ", Folders)}: there is no such folder, so that every pull goes straight to its registry");
    }

    private void CheckOthers(List<(string File, string Name, MapSetting Section)> sections)
    {
        foreach (var (_, name, section) in sections.Where(one => IsRead(one.Name)))
        {
            if (section.Find("registry") is MapSetting registry && registry.Find("config_path") is ScalarSetting { IsEmpty: false, Text: "" } empty && Folders.Count == 0)
                findings.Add(empty.Origin, "configPathUnset", $"config_path is empty, so that no hosts.toml is read; write config_path = \"{DefaultFolder}\"");
            foreach (var entry in (section.Map("registry")?.Entries ?? []).Where(e => e.Name is "mirrors" || (e.Name is "configs" && HasTls(e.Value))))
            {
                findings.Add(entry.Origin, "registryMirrors", Folders.Count > 0
                    ? $"registry.{entry.Name}{(entry.Name == "configs" ? ".….tls" : "")} stands beside config_path: the plugin {name} doesn't load with both, and no pod starts; move it into hosts.toml files"
                    : $"registry.{entry.Name} is the old way, which keeps hosts.toml from being read and which containerd 2 drops; remove it, and set config_path");
            }
        }
    }

    private static bool HasTls(Setting configs) =>
        configs is MapSetting { Entries: var entries } && entries.Any(e => (e.Value as MapSetting)?.Find("tls") is not null);
}
