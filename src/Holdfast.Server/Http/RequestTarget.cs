namespace Holdfast.Server.Http;

/// <summary>The path in a raw request target (RFC 9112, section 3.2), still undecoded.</summary>
internal static class RequestTarget
{
    public static ReadOnlySpan<char> Path(string target)
    {
        var path = target.AsSpan();
        if (path.IsEmpty || path[0] != '/')
            path = AfterAuthority(path);
        var end = path.IndexOfAny('?', '#');
        return end < 0 ? path : path[..end];
    }

    // absolute-form: a client that takes us for a proxy sends "http://host/v2/".
    private static ReadOnlySpan<char> AfterAuthority(ReadOnlySpan<char> target)
    {
        var authority = target.IndexOf("://", StringComparison.Ordinal);
        if (authority < 0)
            return target;
        var rest = target[(authority + 3)..];
        var slash = rest.IndexOfAny('/', '?');
        return slash < 0 || rest[slash] == '?' ? "/" : rest[slash..];
    }
}
