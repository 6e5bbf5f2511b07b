using Holdfast.Server.Http;

namespace Holdfast.Configuration;

/// <summary>Says of a value of a cache what is wrong with it, or null.</summary>
internal static class CacheValueFaults
{
    private static readonly string[] Architectures = ["386", "amd64", "arm", "arm64", "loong64", "mips64le", "ppc64le", "riscv64", "s390x"];

    private static readonly Dictionary<string, string> OtherNames = new(StringComparer.Ordinal)
    {
        ["x86_64"] = "amd64",
        ["x86-64"] = "amd64",
        ["x64"] = "amd64",
        ["aarch64"] = "arm64",
        ["i386"] = "386",
        ["i686"] = "386",
        ["x86"] = "386",
        ["armhf"] = "arm/v7",
        ["armv7"] = "arm/v7",
        ["armv6"] = "arm/v6",
        ["ppc64el"] = "ppc64le",
    };

    public static string? UpstreamUrl(string text)
    {
        if (!text.Contains("://", StringComparison.Ordinal) && Namespace(text) is null)
            return $"{Problems.Quote(text)} is a host, not a URL; write {(text == UpstreamBinder.Hub ? UpstreamBinder.HubUrl : $"https://{text}")}";
        if (Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.UserInfo.Length > 0)
            return "has a user in it, which logs and errors would show; write username and passwordFile beside it";
        return ValueFaults.PlainUrl(text, "https://ghcr.io") ?? (uri!.AbsolutePath.TrimEnd('/').EndsWith("/v2", StringComparison.Ordinal) || uri.AbsolutePath.StartsWith("/v2/", StringComparison.Ordinal)
            ? $"{Problems.Quote(text)} names the protocol's path; leave /v2 out"
            : null);
    }

    /// <summary>As it stands before the first slash of an image's name.</summary>
    public static string? Namespace(string text)
    {
        if (text.Contains("://", StringComparison.Ordinal))
            return $"{Problems.Quote(text)} is a URL; write its host alone, such as ghcr.io";
        if (text.Contains('/', StringComparison.Ordinal))
            return $"{Problems.Quote(text)} has a path; write the host alone, such as ghcr.io";
        var port = text.StartsWith('[') ? text.IndexOf("]:", StringComparison.Ordinal) + 1 : text.IndexOf(':', StringComparison.Ordinal);
        var host = port > 0 ? text[..port] : text;
        var fine = host.Length > 0 && Uri.CheckHostName(host) != UriHostNameType.Unknown && !host.Contains('_', StringComparison.Ordinal)
            && (port <= 0 || (ushort.TryParse(text.AsSpan(port + 1), System.Globalization.NumberStyles.None, null, out var number) && number > 0));
        return fine ? null : $"{Problems.Quote(text)} is not a host or host:port, such as ghcr.io or registry.example:5000";
    }

    /// <summary>A pattern of repositories, and after a colon one of tags.</summary>
    public static string? Pin(string text)
    {
        if (text.Contains('@', StringComparison.Ordinal))
            return $"{Problems.Quote(text)} names a digest; a pin names tags: library/alpine:3.*";
        if (text.Contains("://", StringComparison.Ordinal))
            return $"{Problems.Quote(text)} is a URL; write the repository and its tags: library/alpine:3.*";
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon >= 0 && !TagPattern.TryParse(text[(colon + 1)..], out _, out var problem))
            return $"{Problems.Quote(text)} fits no tag: {problem}{(text.LastIndexOf(':') > colon ? " (the registry's host is not part of a pin)" : "")}";
        return ValueFaults.Pattern(colon < 0 ? text : text[..colon]);
    }

    public static string? Platform(string text)
    {
        var parts = text.Split('/');
        if (OtherNames.GetValueOrDefault(parts[^1]) is { } meant)
            return $"{Problems.Quote(text)} is not a platform of images; did you mean {(parts.Length > 1 ? parts[0] : "linux")}/{meant}?";
        if (parts.Length == 1 && Architectures.Contains(text, StringComparer.Ordinal))
            return $"{Problems.Quote(text)} is an architecture; write linux/{text}";
        return parts.Length is 2 or 3 && parts.All(part => part.Length > 0 && part.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '.' or '-'))
            ? null
            : $"{Problems.Quote(text)} is not a platform; write os/architecture or os/architecture/variant: linux/amd64, linux/arm/v7";
    }
}
