using Holdfast.Configuration;

namespace Holdfast.Nodes;

/// <summary>A host that containerd asks on the way to a registry.</summary>
/// <param name="Url">As written, with a scheme.</param>
/// <param name="Origin">Where it is written.</param>
internal sealed record NodeMirror(Uri Url, Origin Origin)
{
    public bool SkipsVerification { get; init; }

    /// <summary>Full paths.</summary>
    public IReadOnlyList<string> Authorities { get; init; } = [];

    /// <summary>Where its answers to the protocol begin.</summary>
    public Uri Base { get; init; } = Url;
}

/// <summary>What stands in one folder: which hosts are asked for the images of one name, in this order.</summary>
/// <param name="Name">Host, or host:port, as images have it; _default for every other.</param>
/// <param name="Server">Asked last; null: the registry of that name.</param>
internal sealed record NodeHosts(string Name, string Folder, IReadOnlyList<NodeMirror> Mirrors, Uri? Server);

/// <summary>The folder of hosts.toml files (config_path).</summary>
internal sealed class HostsFolder(string root, NodeFindings findings)
{
    private const string Wildcard = "_default";

    /// <exception cref="UnauthorizedAccessException">It can't be read.</exception>
    public List<NodeHosts> Read()
    {
        var hosts = new List<NodeHosts>();
        foreach (var stray in Directory.EnumerateFiles(root).Order(StringComparer.Ordinal))
            findings.Add(stray, "strayFile", $"is not read: each name has a folder of its own, with a {HostsFile.Name} in it");
        foreach (var folder in Directory.EnumerateDirectories(root).Order(StringComparer.Ordinal))
        {
            var name = NameOf(Path.GetFileName(folder));
            if (name == Wildcard)
                findings.Add(folder, "wildcard", "is taken for every registry that has no folder of its own, so that images of others are asked of these hosts too; give each registry its folder, and remove this one");
            if (hosts.Find(one => one.Name == name) is { } twin)
                findings.Add(folder, "twoFolders", $"and {twin.Folder} are for the same name, and containerd reads {(folder.EndsWith('_') ? folder : twin.Folder)} alone; remove the other");
            if (ReadOne(folder, name) is { } read)
                hosts.Add(read);
        }

        CheckPorts(hosts);
        return hosts;
    }

    // host_port_ is another way to write host:port.
    private static string NameOf(string folder)
    {
        var port = folder.EndsWith('_') && folder.Length > 2 ? folder.LastIndexOf('_', folder.Length - 2) : -1;
        return port > 0 && folder[(port + 1)..^1] is { Length: > 0 } digits && digits.All(char.IsAsciiDigit) ? $"{folder[..port]}:{digits}" : folder;
    }

    private NodeHosts? ReadOne(string folder, string name)
    {
        var path = Path.Combine(folder, HostsFile.Name);
        if (!File.Exists(path))
        {
            if (!Directory.EnumerateFiles(folder).Any(one => Path.GetExtension(one) is ".crt" or ".cert" or ".key"))
                findings.Add(folder, "noHosts", $"has no {HostsFile.Name}, so that nothing is mirrored: images of {name} are asked of {name} itself{NearFile(folder)}");
            return new NodeHosts(name, folder, [], null);
        }

        var problems = new Problems();
        var text = TomlFile.ReadText(path);
        if (TomlFile.Parse(text, path, folder, problems) is { } toml)
            return new HostsReading(toml, path, folder, name, findings).Read();
        findings.Add(problems, "toml", $"containerd skips the file with a line in its log, and asks {name} itself");
        return null;
    }

    private static string NearFile(string folder) =>
        Directory.EnumerateFiles(folder).Select(Path.GetFileName).OfType<string>().FirstOrDefault(one => NearestName.Find(one, [HostsFile.Name]) is not null) is { } near
            ? $"; is {near} meant to be it?"
            : "";

    // registry.example leads to registry.example:5050, and an image that has the port in its name finds no folder.
    private void CheckPorts(List<NodeHosts> hosts)
    {
        foreach (var one in hosts.Where(one => one.Name != Wildcard))
        {
            var named = one.Mirrors.Select(mirror => mirror.Url).Append(one.Server).OfType<Uri>().Where(url => !url.IsDefaultPort);
            foreach (var url in named.Where(url => url.Host.Equals(HostOf(one.Name), StringComparison.OrdinalIgnoreCase)).DistinctBy(url => url.Port))
            {
                if (!hosts.Exists(other => other.Name.Equals(url.Authority, StringComparison.OrdinalIgnoreCase)))
                    findings.Add(one.Folder, "portFolderMissing", $"leads to {url.Authority}, and there is no folder {url.Authority}: images that have the port in their name are asked for by https at {url.Authority}, past all of this; add that folder");
            }
        }
    }

    private static string HostOf(string name) => name.LastIndexOf(':') is var colon && colon > name.LastIndexOf(']') && colon > 0 ? name[..colon] : name;
}
