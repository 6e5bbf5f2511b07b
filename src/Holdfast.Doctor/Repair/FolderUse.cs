using System.Globalization;
using Holdfast.Doctor.Registry2;
using Holdfast.Storage.Native;

namespace Holdfast.Doctor.Repair;

/// <param name="IsCertain">False: it looks like a registry, and which folder it uses could not be found out.</param>
public sealed record FolderUser(int ProcessId, string Command, string How, bool IsCertain);

/// <summary>
/// Finds processes that use a registry's folder: those with a file in it open, and registries whose configuration names it. A registry opens files only
/// while it answers, so that its configuration is what tells. Folders are compared by device and inode as the process sees them, so that a
/// container's bind mount is found too.
/// </summary>
public sealed class FolderUse(string procFolder = "/proc")
{
    private const string DefaultRoot = "/var/lib/registry";
    private const string Variable = "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY=";
    private static readonly string[] DefaultConfigurations = ["/etc/distribution/config.yml", "/etc/docker/registry/config.yml"];
    private static readonly string[] Names = ["registry", "docker-registry", "distribution"];

    public IReadOnlyList<FolderUser> Find(RegistryFolder folder)
    {
        var users = new List<FolderUser>();
        foreach (var process in Directory.EnumerateDirectories(procFolder))
        {
            if (!int.TryParse(Path.GetFileName(process), NumberStyles.None, CultureInfo.InvariantCulture, out var id) || id == Environment.ProcessId)
                continue;
            if (Look(process, id, folder) is { } user)
                users.Add(user);
        }
        return users;
    }

    private static FolderUser? Look(string process, int id, RegistryFolder folder)
    {
        var arguments = TryRead($"{process}/cmdline")?.Split('\0', StringSplitOptions.RemoveEmptyEntries) ?? [];
        if (arguments.Length == 0)
            return null;
        var command = Quoted.Plain(string.Join(' ', arguments));
        if (OpenFile(process, folder) is { } file)
            return new FolderUser(id, command, $"it has {file} open", true);
        // docker-registry serve config.yml; its garbage-collect writes as well.
        if (!Names.Contains(Path.GetFileName(arguments[0]), StringComparer.Ordinal) || arguments.Length < 2)
            return null;
        var roots = Roots(process, arguments);
        if (roots is null)
            return new FolderUser(id, command, "it is a registry whose configuration can't be read by this user", false);
        return roots.Any(root => IsSame(Seen(process, root), folder)) ? new FolderUser(id, command, "its configuration names this folder", true) : null;
    }

    private static string? OpenFile(string process, RegistryFolder folder)
    {
        try
        {
            foreach (var link in Directory.EnumerateFiles($"{process}/fd"))
            {
                if (new FileInfo(link).LinkTarget is { } target && target.StartsWith(folder.Path + "/", StringComparison.Ordinal))
                    return Quoted.Plain(target);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It ended meanwhile, or is another user's.
        }
        return null;
    }

    private static List<string>? Roots(string process, string[] arguments)
    {
        var environment = TryRead($"{process}/environ");
        if (environment?.Split('\0').FirstOrDefault(static one => one.StartsWith(Variable, StringComparison.Ordinal)) is { } given)
            return [given[Variable.Length..]];
        var named = arguments.Skip(1).Where(static argument => argument.EndsWith(".yml", StringComparison.Ordinal) || argument.EndsWith(".yaml", StringComparison.Ordinal));
        var texts = named.Concat(DefaultConfigurations).Select(path => TryRead(Seen(process, path))).OfType<string>().ToList();
        if (texts.Count == 0)
            return environment is null ? null : [DefaultRoot];
        return [.. texts.Take(1).SelectMany(RootDirectories).DefaultIfEmpty(DefaultRoot)];
    }

    // The process's own view: its root folder, and its working folder for what is relative.
    private static string Seen(string process, string path) => path.StartsWith('/') ? $"{process}/root{path}" : $"{process}/cwd/{path}";

    private static bool IsSame(string root, RegistryFolder folder)
    {
        foreach (var place in (ReadOnlySpan<string>)[$"{root}/docker/registry/v2", root])
        {
            // Through /proc/PID/root, which is a link: the folder behind it is opened, not looked at.
            if (Identity(place) is { } theirs && theirs == Identity(folder.Path))
                return true;
        }
        return false;
    }

    private static (ulong Device, ulong Inode)? Identity(string path)
    {
        try
        {
            return Posix.TryIdentify(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string? TryRead(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    // As much YAML as it takes: the key, in a block or in braces, and one word after it.
    internal static IEnumerable<string> RootDirectories(string text)
    {
        const string Key = "rootdirectory";
        foreach (var line in text.Split('\n'))
        {
            var at = line.IndexOf(Key, StringComparison.Ordinal);
            var comment = line.IndexOf('#', StringComparison.Ordinal);
            if (at < 0 || (comment >= 0 && comment < at))
                continue;
            var value = line[(at + Key.Length)..].TrimStart('"', '\'', ' ');
            if (!value.StartsWith(':'))
                continue;
            var path = value[1..].Trim().TrimStart('"', '\'');
            var end = path.IndexOfAny(['"', '\'', ',', '}', ' ', '\r']);
            path = end < 0 ? path : path[..end];
            if (path.Length > 0)
                yield return path;
        }
    }
}
