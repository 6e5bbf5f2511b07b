using System.Net;
using Microsoft.AspNetCore.Http;

namespace Holdfast.Server.Http;

/// <summary>X-Forwarded-For, -Proto and -Host, believed only as far as configured proxies wrote them.</summary>
internal sealed class ForwardedHeaders(IReadOnlyList<IPNetwork> trusted)
{
    public void Apply(HttpContext context)
    {
        if (trusted.Count == 0 || context.Connection.RemoteIpAddress is not { } remote || !IsTrusted(remote))
            return;
        var headers = context.Request.Headers;
        var hops = ApplyFor(context, headers["X-Forwarded-For"].ToString());
        ApplyProto(context, EntryFromRight(headers["X-Forwarded-Proto"].ToString(), hops));
        ApplyHost(context, EntryFromRight(headers["X-Forwarded-Host"].ToString(), hops));
    }

    // Each proxy appends whom it heard from. From the right, entries are true as long as the one who wrote them is trusted; the first
    // untrusted address is the client, whatever it claims further left.
    private int ApplyFor(HttpContext context, string list)
    {
        var hops = 1;
        for (var entry = 0; TryEntryFromRight(list, entry, out var text); entry++)
        {
            if (!TryParseAddress(text, out var address))
                break;
            hops = entry + 1;
            context.Connection.RemoteIpAddress = address;
            if (!IsTrusted(address))
                break;
        }

        return hops;
    }

    private static void ApplyProto(HttpContext context, ReadOnlySpan<char> proto)
    {
        if (proto.Equals("https", StringComparison.OrdinalIgnoreCase))
            context.Request.Scheme = "https";
        else if (proto.Equals("http", StringComparison.OrdinalIgnoreCase))
            context.Request.Scheme = "http";
    }

    private static void ApplyHost(HttpContext context, ReadOnlySpan<char> host)
    {
        // Nothing but what a host and port can hold: this text gets into Location and realm headers.
        foreach (var c in host)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('.' or '-' or '_' or ':' or '[' or ']'))
                return;
        }

        if (!host.IsEmpty)
            context.Request.Host = new HostString(host.ToString());
    }

    private bool IsTrusted(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        foreach (var network in trusted)
        {
            if (network.Contains(address))
                return true;
        }

        return false;
    }

    // A proxy that sets instead of appending leaves fewer entries than there were hops; the leftmost is then the one meant.
    private static ReadOnlySpan<char> EntryFromRight(string list, int hops)
    {
        ReadOnlySpan<char> found = default;
        for (var entry = 0; entry < hops && TryEntryFromRight(list, entry, out var text); entry++)
            found = text;
        return found;
    }

    private static bool TryEntryFromRight(string list, int index, out ReadOnlySpan<char> entry)
    {
        var rest = list.AsSpan();
        while (!rest.IsEmpty)
        {
            var comma = rest.LastIndexOf(',');
            entry = rest[(comma + 1)..].Trim();
            if (index-- == 0)
                return !entry.IsEmpty;
            rest = comma < 0 ? default : rest[..comma];
        }

        entry = default;
        return false;
    }

    // With or without a port: 192.0.2.1, 192.0.2.1:50000, 2001:db8::1, [2001:db8::1]:50000.
    private static bool TryParseAddress(ReadOnlySpan<char> text, out IPAddress address)
    {
        if (IPEndPoint.TryParse(text, out var endpoint))
        {
            address = endpoint.Address;
            return true;
        }

        address = IPAddress.None;
        return false;
    }
}
