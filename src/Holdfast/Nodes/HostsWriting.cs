using System.Text;
using System.Text.Json.Serialization;

namespace Holdfast.Nodes;

/// <summary>What became of one file.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<HostsOutcome>))]
internal enum HostsOutcome
{
    [JsonStringEnumMemberName("written")]
    Written,

    [JsonStringEnumMemberName("unchanged")]
    Unchanged,

    /// <summary>Somebody else's, or changed by hand: left as it is.</summary>
    [JsonStringEnumMemberName("foreign")]
    Foreign,

    [JsonStringEnumMemberName("wouldWrite")]
    WouldWrite,

    /// <summary>Ours, and of no registry any more: left as it is.</summary>
    [JsonStringEnumMemberName("stale")]
    Stale,
}

/// <param name="Path">Below the output folder.</param>
/// <param name="Registry">Null for a stale one.</param>
/// <param name="Content">What it holds, or would; null for a stale one.</param>
internal sealed record WrittenHosts(string Path, string? Registry, HostsOutcome Outcome, string? Content);

/// <summary>Puts hosts.toml files into a folder, and leaves what others put there.</summary>
internal sealed class HostsWriting(string output, bool overwrite, bool dry)
{
    private const UnixFileMode Readable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <exception cref="IOException">One of them can't be read or written.</exception>
    public List<WrittenHosts> Write(IReadOnlyList<HostsFile> files)
    {
        if (File.Exists(output))
            throw new IOException($"{output} is a file; name a folder");
        // All are looked at before any is written: a file that can't be read stops the whole.
        var planned = files.Select(file => (File: file, Content: file.Write())).Select(one => (one.File, one.Content, Outcome: Plan(one.File, one.Content))).ToList();
        foreach (var (file, content, outcome) in planned)
        {
            if (outcome == HostsOutcome.Written)
                WriteOne(Path.Combine(output, file.Path), content);
        }

        return [.. planned.Select(one => new WrittenHosts(one.File.Path, one.File.Registry, one.Outcome, one.Content)), .. Stale(files)];
    }

    private HostsOutcome Plan(HostsFile file, string content)
    {
        var path = Path.Combine(output, file.Path);
        if (File.Exists(path))
        {
            var there = TomlFile.ReadText(path);
            if (there == content)
                return HostsOutcome.Unchanged;
            if (!overwrite && !HostsFile.IsOurs(there))
                return HostsOutcome.Foreign;
        }

        return dry ? HostsOutcome.WouldWrite : HostsOutcome.Written;
    }

    private IEnumerable<WrittenHosts> Stale(IReadOnlyList<HostsFile> files)
    {
        if (!Directory.Exists(output))
            return [];
        return Directory.EnumerateDirectories(output)
            .Select(folder => Path.Combine(Path.GetFileName(folder), HostsFile.Name))
            .Where(path => files.All(file => file.Path != path) && File.Exists(Path.Combine(output, path)) && HostsFile.IsOurs(TomlFile.ReadText(Path.Combine(output, path))))
            .Order(StringComparer.Ordinal)
            .Select(path => new WrittenHosts(path, null, HostsOutcome.Stale, null));
    }

    // Whole or not at all: containerd reads it at each pull.
    private static void WriteOne(string path, string content)
    {
        var folder = Path.GetDirectoryName(path)!;
        Directory.CreateDirectory(folder);
        var temporary = Path.Combine(folder, $".{HostsFile.Name}.{Path.GetRandomFileName()}");
        try
        {
            File.WriteAllText(temporary, content, new UTF8Encoding(false));
            File.SetUnixFileMode(temporary, Readable);
            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }
}
