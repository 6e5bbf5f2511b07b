using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace Holdfast.Bench.Http;

/// <summary>The server that is measured: where it listens and the headers that every request to it carries.</summary>
internal sealed class Target
{
    private readonly string _common;

    private Target(IPEndPoint address, Uri uri, Grants grants, RemoteCertificateValidationCallback? accepts)
    {
        Address = address;
        Grants = grants;
        _common = $"Host: {uri.Authority}\r\nUser-Agent: holdfast-bench\r\n";
        Tls = uri.Scheme == Uri.UriSchemeHttps
            ? new SslClientAuthenticationOptions { TargetHost = uri.IdnHost, RemoteCertificateValidationCallback = accepts, ApplicationProtocols = [SslApplicationProtocol.Http11] }
            : null;
    }

    public IPEndPoint Address { get; }

    public Grants Grants { get; }

    /// <summary>Null: plain HTTP.</summary>
    public SslClientAuthenticationOptions? Tls { get; }

    /// <summary>Finds the first of the host's addresses at which something listens, so that all connections go to one.</summary>
    /// <exception cref="BenchFault">There is none.</exception>
    public static async Task<Target> FindAsync(BenchServer server, CancellationToken token)
    {
        try
        {
            var addresses = await Dns.GetHostAddressesAsync(server.Address.DnsSafeHost, token);
            foreach (var address in addresses)
            {
                var end = new IPEndPoint(address, server.Address.Port);
                if (addresses.Length == 1 || await ListensAsync(end, token))
                    return new Target(end, server.Address, new Grants(server.Grant), server.Accepts);
            }
        }
        catch (SocketException e)
        {
            throw new BenchFault($"{server.Address.Authority}: the host '{server.Address.DnsSafeHost}' has no address ({e.Message})", e);
        }
        throw new BenchFault($"{server.Address.Authority}: nothing listens there");
    }

    /// <summary>The bytes of a request up to its body.</summary>
    /// <param name="headers">Further header lines, each ending in CR LF.</param>
    public byte[] Head(string method, Deed deed, string repository, string path, string headers = "") =>
        Encoding.ASCII.GetBytes($"{method} {path} HTTP/1.1\r\n{_common}{Grants.LineFor(deed, repository)}{headers}\r\n");

    public byte[] Head(Question question) => Head(question.Method, question.Deed, question.Repository, question.Path, question.Headers);

    private static async Task<bool> ListensAsync(IPEndPoint address, CancellationToken token)
    {
        using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(address, token);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
