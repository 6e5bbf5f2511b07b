using Holdfast.Nodes;

namespace Holdfast.Tests.Nodes;

/// <summary>A node's configuration below a folder of its own; $ in texts is that folder.</summary>
public sealed class NodeFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("holdfast-node-").FullName;

    public string Certs => System.IO.Path.Combine(Path, "certs.d");

    public string Write(string name, string text)
    {
        var path = System.IO.Path.Combine(Path, name);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text.Replace("$", Path, StringComparison.Ordinal));
        return path;
    }

    /// <returns>Code, line and message of each finding, without the folder.</returns>
    internal string[] CheckConfiguration()
    {
        var findings = new NodeFindings();
        new NodeConfiguration(System.IO.Path.Combine(Path, "config.toml"), findings).Read();
        return Lines(findings);
    }

    internal string[] CheckHosts()
    {
        var findings = new NodeFindings();
        new HostsFolder(Certs, findings).Read();
        return Lines(findings);
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);

    private string[] Lines(NodeFindings findings) =>
        [.. findings.All.Select(f => $"{f.Code} {f}".Replace(Path + "/", "", StringComparison.Ordinal).Replace(Path, "$", StringComparison.Ordinal))];
}
