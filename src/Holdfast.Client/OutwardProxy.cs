using System.Net;

namespace Holdfast.Client;

/// <summary>
/// The proxy that the environment names (HTTP_PROXY, HTTPS_PROXY, NO_PROXY), but never on the way to this machine, as for every client of the field: from the proxy this
/// machine's loopback is the proxy's own, and whatever is shown here would be shown there.
/// </summary>
/// <param name="named">Null: the environment's.</param>
public sealed class OutwardProxy(IWebProxy? named = null) : IWebProxy
{
    private readonly IWebProxy _named = named ?? HttpClient.DefaultProxy;

    public ICredentials? Credentials
    {
        get => _named.Credentials;
        set => _named.Credentials = value;
    }

    public Uri? GetProxy(Uri destination) => destination.IsLoopback ? null : _named.GetProxy(destination);

    public bool IsBypassed(Uri host) => host.IsLoopback || _named.IsBypassed(host);
}
