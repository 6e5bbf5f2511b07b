using System.Net;
using System.Net.Sockets;

namespace Holdfast.Client;

/// <summary>Addresses that mean something else, or somebody else, to each who uses them (RFC 6890): what a stranger must not send us to.</summary>
internal static class PrivateAddress
{
    private static readonly IPNetwork[] Networks =
    [
        .. new[]
        {
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15",
            "224.0.0.0/4", "240.0.0.0/4", // multicast, reserved and broadcast
            "::/127", "64:ff9b:1::/48", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
        }.Select(IPNetwork.Parse),
    ];

    // The IPv4 address follows them: NAT64 (RFC 6052), 6to4 (RFC 3056), the mapping that no longer is one (RFC 4291, 2.5.5.1).
    private static readonly (IPNetwork Network, int Offset)[] Embedding =
        [(IPNetwork.Parse("64:ff9b::/96"), 12), (IPNetwork.Parse("2002::/16"), 2), (IPNetwork.Parse("::/96"), 12)];

    public static bool Is(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        if (Networks.Any(network => network.Contains(address)))
            return true;
        if (address.AddressFamily != AddressFamily.InterNetworkV6)
            return false;
        return Embedding.Any(one => one.Network.Contains(address) && Is(new IPAddress(address.GetAddressBytes().AsSpan(one.Offset, 4))));
    }

    /// <summary>For an address in a URL; a name is not looked up, but localhost is known.</summary>
    public static bool Is(Uri target) => target.IsLoopback || (IPAddress.TryParse(target.IdnHost, out var address) && Is(address));
}

/// <summary>A connection that was not made because of where it would have gone.</summary>
internal sealed class ForbiddenAddressException(string host, IPAddress? address) : IOException(
    $"{host} {(address is null ? "is an address" : $"has the address {address}")} of a private network; a public registry's redirects and token realms are not followed there (privateRedirects allows it)");
