using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Holdfast.Load.Http;

/// <summary>The server that is measured: where it listens and the headers that every request to it carries.</summary>
internal sealed class Target
{
    private readonly string _common;

    private Target(IPEndPoint address, string authority, string? authorization)
    {
        Address = address;
        _common = $"Host: {authority}\r\nUser-Agent: holdfast-load\r\n" + (authorization is null ? "" : $"Authorization: {authorization}\r\n");
    }

    public IPEndPoint Address { get; }

    /// <param name="url">Plain HTTP only: with TLS, the client's share of the cost would hide the server's.</param>
    public static Target Parse(string url, string? user, string? password)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.AbsolutePath != "/")
            throw new UsageException($"--url: '{url}' is not a URL such as http://127.0.0.1:5000");
        if (uri.Scheme != Uri.UriSchemeHttp)
            throw new UsageException($"--url: {uri.Scheme} is not supported, only http");

        var authorization = user is null ? null : "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}"));
        try
        {
            var addresses = Dns.GetHostAddresses(uri.DnsSafeHost);
            return new Target(new IPEndPoint(addresses[0], uri.Port), uri.Authority, authorization);
        }
        catch (SocketException)
        {
            throw new UsageException($"--url: the host '{uri.DnsSafeHost}' has no address");
        }
    }

    /// <summary>The bytes of a request up to its body.</summary>
    /// <param name="headers">Further header lines, each ending in CR LF.</param>
    public byte[] Head(string method, string path, string headers = "") =>
        Encoding.ASCII.GetBytes($"{method} {path} HTTP/1.1\r\n{_common}{headers}\r\n");
}
