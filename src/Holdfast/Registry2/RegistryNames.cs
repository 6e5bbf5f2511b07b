using System.Globalization;
using Holdfast.Configuration;

namespace Holdfast.Registry2;

/// <summary>Names for registries that their files don't have.</summary>
internal static class RegistryNames
{
    private const string Otherwise = "registry";

    /// <summary>A cache is called after its upstream, a hosted registry after its file or that file's folder.</summary>
    public static string For(string? path, GivenSettings given)
    {
        if (UpstreamTranslation.Url(given) is { } url)
            return UpstreamBinder.NamespaceOf(url) == UpstreamBinder.Hub ? "dockerhub" : Fold(url.Host);
        // A pipe has no name.
        var full = path is null || path.StartsWith("/dev/", StringComparison.Ordinal) ? "" : Path.GetFullPath(path);
        var name = Words(Path.GetFileNameWithoutExtension(full));
        return name.Length > 0 ? name : Words(Path.GetFileName(Path.GetDirectoryName(full)) ?? "") is { Length: > 0 } folder ? folder : Otherwise;
    }

    /// <returns>The name, with a number if it is taken.</returns>
    public static string Free(string name, IReadOnlyCollection<string> taken) =>
        Enumerable.Range(1, int.MaxValue).Select(n => n == 1 ? name : string.Create(CultureInfo.InvariantCulture, $"{name}-{n}")).First(free => !taken.Contains(free, StringComparer.Ordinal));

    // config.yml, registry-config.yml and private.yml: what is said beside "config".
    private static string Words(string text) => string.Join('-', Fold(text).Split('-').Where(word => word is not ("" or "config" or "conf" or "configuration")));

    private static string Fold(string text)
    {
        var name = string.Concat(text.ToLowerInvariant().Select(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) ? c : '-')).Trim('-');
        name = name.Length > 60 ? name[..60].TrimEnd('-') : name;
        return ValueFaults.RegistryName(name) is null ? name : "";
    }
}
