using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Holdfast.Oci;

namespace Holdfast.Client;

/// <summary>What somebody means by HOST, HOST/REPOSITORY, HOST/REPOSITORY:TAG or HOST/REPOSITORY@DIGEST, each with or without http:// or https:// before it.</summary>
public sealed class RegistryTarget
{
    private const string HubHost = "registry-1.docker.io";
    private static readonly string[] HubNames = ["docker.io", "index.docker.io", HubHost];

    private RegistryTarget(string text, string host, string? scheme, RepositoryName repository, Reference? reference) =>
        (Text, Host, Scheme, Repository, Reference) = (text, host, scheme, repository, reference);

    /// <summary>As it was written.</summary>
    public string Text { get; }

    /// <summary>host or host:port, as credentials are kept for it.</summary>
    public string Host { get; }

    /// <summary>http or https if it was written; null: to be found out.</summary>
    public string? Scheme { get; }

    /// <summary>None for a whole registry.</summary>
    public RepositoryName Repository { get; }

    /// <summary>Null for a whole repository or registry.</summary>
    public Reference? Reference { get; }

    /// <summary>Where that registry answers; Docker Hub does under another name than it is known by.</summary>
    public Uri AddressOver(string scheme) => new($"{scheme}://{(Array.IndexOf(HubNames, Host) >= 0 ? HubHost : Host)}");

    /// <summary>Is it this machine?</summary>
    public bool IsLoopback => AddressOver("http").IsLoopback;

    /// <param name="problem">A sentence that says what is wrong and how to write it.</param>
    public static bool TryParse(string text, [NotNullWhen(true)] out RegistryTarget? target, [NotNullWhen(false)] out string? problem)
    {
        target = null;
        var rest = text;
        string? scheme = null;
        foreach (var known in (ReadOnlySpan<string>)["https", "http", "docker"])
        {
            if (!rest.StartsWith(known + "://", StringComparison.OrdinalIgnoreCase))
                continue;
            scheme = known == "docker" ? null : known;
            rest = rest[(known.Length + 3)..];
            break;
        }
        var slash = rest.IndexOf('/', StringComparison.Ordinal);
        var host = slash < 0 ? rest : rest[..slash];
        var path = slash < 0 ? "" : rest[(slash + 1)..].TrimEnd('/');
        problem = FindHostProblem(text, host, scheme is not null);
        if (problem is not null)
            return false;
        if (path.Length == 0)
        {
            target = new RegistryTarget(text, host, scheme, default, null);
            return true;
        }
        problem = ReadPath(text, path, Array.IndexOf(HubNames, host) >= 0, out var repository, out var reference);
        if (problem is null)
            target = new RegistryTarget(text, host, scheme, repository, reference);
        return problem is null;
    }

    /// <summary>What somebody wrote, to be repeated to them: without the user and the password that may stand before the host.</summary>
    public static string WithoutUser(string text)
    {
        var begin = text.IndexOf("://", StringComparison.Ordinal) is >= 0 and var scheme ? scheme + 3 : 0;
        var at = text.LastIndexOf('@');
        // A digest's comes after the user's.
        while (at >= begin && (text.AsSpan(at + 1).StartsWith("sha256:") || text.AsSpan(at + 1).StartsWith("sha512:")))
            at = at == 0 ? -1 : text.LastIndexOf('@', at - 1);
        return at < begin ? text : string.Concat(text.AsSpan(0, begin), "***", text.AsSpan(at));
    }

    private static string? FindHostProblem(string text, string host, bool hasScheme)
    {
        if (host.Contains('@', StringComparison.Ordinal))
            // Not repeated: it may be a password.
            return "a target has an @ where the host belongs; a user is given by --user, a digest comes after a repository";
        var colon = host.LastIndexOf(':');
        var hasPort = colon >= 0 && int.TryParse(host[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out _);
        var looksLikeHost = hasScheme || hasPort || host.Contains('.', StringComparison.Ordinal) || host.StartsWith('[') || host == "localhost";
        // As docker tells a host from the first part of a name.
        if (host.Length > 0 && !looksLikeHost)
            return $"'{Shown(text)}' does not begin with a registry's host; write it before the name, as in docker.io/library/alpine:3 or 127.0.0.1:5000/{Shown(text)}";
        return host.Length == 0 || !Uri.TryCreate($"http://{host}/", UriKind.Absolute, out var address) || address.AbsolutePath != "/" || address.Host.Length == 0
            ? $"'{Shown(text)}' names no host; write HOST, HOST/REPOSITORY or HOST/REPOSITORY:TAG" : null;
    }

    private static string Shown(string text) => Failures.Printable(WithoutUser(text));

    private static string? ReadPath(string text, string path, bool isHub, out RepositoryName repository, out Reference? reference)
    {
        reference = null;
        var at = path.IndexOf('@', StringComparison.Ordinal);
        var name = at < 0 ? path : path[..at];
        var digest = at < 0 ? null : path[(at + 1)..];
        var colon = name.LastIndexOf(':');
        var tag = colon < 0 ? null : name[(colon + 1)..];
        name = colon < 0 ? name : name[..colon];
        if (isHub && !name.Contains('/', StringComparison.Ordinal))
            name = $"library/{name}";
        if (!RepositoryName.TryParse(name, out repository))
            return $"'{Shown(name)}' in '{Shown(text)}' is no repository's name: lower-case letters, digits, and . _ - / between them";
        if (tag is not null && !Tag.TryParse(tag, out _))
            return $"'{Shown(tag)}' in '{Shown(text)}' is no tag";
        if (digest is not null && !Digest.TryParse(digest, out _))
            return $"'{Failures.Printable(digest)}' in '{Shown(text)}' is no digest: sha256: and 64 lower-case hex digits";
        // Of name:tag@digest the digest says which bytes are meant, to every client.
        if (digest is not null)
            reference = Digest.Parse(digest);
        else if (tag is not null)
            reference = Tag.Parse(tag);
        return null;
    }
}
