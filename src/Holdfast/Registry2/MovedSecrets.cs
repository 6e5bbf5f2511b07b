using System.Text;
using Holdfast.Server.Auth;

namespace Holdfast.Registry2;

/// <summary>Users and upstreams' passwords, each in a file of its own beside the configuration, for its owner only.</summary>
internal static class MovedSecrets
{
    /// <returns>The files.</returns>
    /// <exception cref="IOException">One of them, or the configuration, is there already, and may not be written over; nothing was written.</exception>
    public static List<string> Write(IReadOnlyList<MovedFile> files, string output, bool overwrite)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(output))!;
        var secrets = files.SelectMany(Of).Select(secret => (Path: Path.Combine(folder, secret.Name), secret.Bytes)).ToList();
        if (!Directory.Exists(folder))
            throw new IOException($"there is no folder {folder}");
        if (!overwrite && secrets.Select(secret => secret.Path).Append(output).FirstOrDefault(Path.Exists) is { } there)
            throw new IOException($"{there} is there already; --force writes over it");
        foreach (var (path, bytes) in secrets)
            AtomicFile.Write(path, bytes);
        return [.. secrets.Select(secret => secret.Path)];
    }

    private static IEnumerable<(string Name, byte[] Bytes)> Of(MovedFile file)
    {
        var registry = file.Registry;
        // Without users in it, if nobody may come in; not if it is only that the old file wasn't found.
        if (!registry.Access.IsOpen && file.Users is not { Lines.Count: 0, Left.Count: > 0 })
            yield return (MovedConfiguration.HtpasswdName(registry.Name), file.Users?.ToFile() ?? []);
        if (registry.Upstream?.Password is { } password)
            yield return (MovedConfiguration.PasswordName(registry.Name), Encoding.UTF8.GetBytes(password + "\n"));
    }
}
