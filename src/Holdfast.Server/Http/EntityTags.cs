using Microsoft.Extensions.Primitives;

namespace Holdfast.Server.Http;

/// <summary>Conditional requests (RFC 9110, section 13). An entity tag is the digest in quotes, always strong.</summary>
internal static class EntityTags
{
    /// <summary>Does If-None-Match name this tag, or any?</summary>
    public static bool Match(StringValues ifNoneMatch, string etag)
    {
        foreach (var header in ifNoneMatch)
        {
            if (header is null)
                continue;
            foreach (var part in header.AsSpan().Split(','))
            {
                var candidate = header.AsSpan()[part].Trim();
                if (candidate is "*")
                    return true;
                if (candidate.StartsWith("W/", StringComparison.Ordinal))
                    candidate = candidate[2..];
                if (candidate.Equals(etag, StringComparison.Ordinal))
                    return true;
            }
        }
        return false;
    }

    /// <summary>May the Range header be followed? Not if If-Range names something else (a date can't match, since we give none).</summary>
    public static bool AllowRange(StringValues ifRange, string etag) =>
        ifRange.Count == 0 || (ifRange.Count == 1 && string.Equals(ifRange[0], etag, StringComparison.Ordinal));
}
