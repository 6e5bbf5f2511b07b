using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Holdfast.Configuration;

/// <summary>A listener's URL, taken apart. Names other than localhost are refused: what they resolve to changes.</summary>
/// <param name="Address">Null for localhost, which is both loopback addresses.</param>
internal sealed record ListenerAddress(bool IsHttps, IPAddress? Address, int Port)
{
    private const string Example = "for example http://127.0.0.1:5000";

    public bool IsLoopback => Address is null || IPAddress.IsLoopback(Address);

    public Uri Url => new($"{(IsHttps ? "https" : "http")}://{Host}:{Port}");

    private string Host => Address switch
    {
        null => "localhost",
        { AddressFamily: AddressFamily.InterNetworkV6 } => $"[{Address}]",
        _ => Address.ToString(),
    };

    /// <summary>Would the second of these two not get its port?</summary>
    public bool Collides(ListenerAddress other)
    {
        if (Port != other.Port || Port == 0)
            return false;
        if (Equals(Address, other.Address) || IsAny(Address) || IsAny(other.Address))
            return true;
        return Address is null ? other.IsLoopback : other.Address is null && IsLoopback;
    }

    /// <returns>What is wrong with the text, or null and the address.</returns>
    public static string? Parse(string text, out ListenerAddress? address)
    {
        address = null;
        var https = text.StartsWith("https://", StringComparison.Ordinal);
        if (!https && !text.StartsWith("http://", StringComparison.Ordinal))
            return $"{Problems.Quote(text)} does not begin with http:// or https://; write {(text.StartsWith("//", StringComparison.Ordinal) ? Example : Suggest(text))}";
        var rest = text[(text.IndexOf("//", StringComparison.Ordinal) + 2)..];
        if (rest.Contains('@', StringComparison.Ordinal))
            return "a listener's URL has no user in it; users stand in the registry's htpasswd file";
        if (rest.AsSpan().ContainsAny("?#"))
            return $"{Problems.Quote(text)} has a query; end it after the port";
        if (rest.EndsWith('/'))
            rest = rest[..^1];
        if (rest.Contains('/', StringComparison.Ordinal))
            return $"{Problems.Quote(text)} has a path; a listener serves whole addresses: end it after the port";
        return ParseAuthority(text, rest, https, out address);
    }

    // 127.0.0.1:5000, localhost, :5000 and 5000 say clearly enough what was meant.
    private static string Suggest(string text)
    {
        if (text.Contains("://", StringComparison.Ordinal))
            return Example;
        var port = text.TrimStart(':');
        var authority = port.Length > 0 && port.All(char.IsAsciiDigit) ? $"127.0.0.1:{port}" : text.TrimEnd('/');
        return new[] { $"http://{authority}", $"http://{authority}:5000" }.FirstOrDefault(url => Parse(url, out _) is null) ?? Example;
    }

    private static string? ParseAuthority(string text, string rest, bool https, out ListenerAddress? address)
    {
        address = null;
        var portAt = rest.LastIndexOf(':');
        if (portAt < 0 || rest.EndsWith(']'))
            return $"{Problems.Quote(text)} has no port; write for example {text.TrimEnd('/')}:{(https ? 5443 : 5000)}";
        var host = rest[..portAt];
        if (!int.TryParse(rest.AsSpan(portAt + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port > 65_535)
            return $"{Problems.Quote(rest[(portAt + 1)..])} is not a port; write 1 to 65535, or 0 for a free one";
        if (host == "localhost")
        {
            address = new ListenerAddress(https, null, port);
            return port == 0 ? "localhost is two addresses, which can't share a free port; write 127.0.0.1:0" : null;
        }

        if (ParseHost(host) is not { } ip)
            return $"{Problems.Quote(host)} is not an IP address or localhost; names are not looked up: 0.0.0.0 is every IPv4 address, [::] every address";
        address = new ListenerAddress(https, ip, port);
        return null;
    }

    // IPAddress takes 127.1 and 0x7f000001 too; only the usual form is meant on purpose.
    private static IPAddress? ParseHost(string host)
    {
        if (host.StartsWith('[') && host.EndsWith(']'))
        {
            return IPAddress.TryParse(host[1..^1], out var v6) && v6.AddressFamily == AddressFamily.InterNetworkV6 && v6.ScopeId == 0 ? v6 : null;
        }

        return IPAddress.TryParse(host, out var v4) && v4.AddressFamily == AddressFamily.InterNetwork && v4.ToString() == host ? v4 : null;
    }

    private static bool IsAny(IPAddress? address) => IPAddress.Any.Equals(address) || IPAddress.IPv6Any.Equals(address);
}
