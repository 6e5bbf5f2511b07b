using System.Net;
using System.Net.Http;
using System.Net.Sockets;

namespace Holdfast.Client;

/// <summary>
/// Opens connections: to whichever of a host's addresses takes one first (happy eyeballs, RFC 8305). Names are resolved for each, so that a host
/// which moved is found; the address that is checked is the one that is connected to.
/// </summary>
/// <param name="registry">Of the registry's own connections; null: this is it. Its word decides about private addresses if the options don't.</param>
internal sealed class Connector(RegistryClientOptions options, Connector? registry)
{
    // RFC 8305, 8.
    private static readonly TimeSpan AttemptDelay = TimeSpan.FromMilliseconds(250);

    // At that pace the connect timeout ends before any more could be tried.
    private const int MaxAddresses = 20;

    private volatile bool _wasInside;
    private volatile bool _wasOutside;

    /// <summary>Were all addresses of the registry private ones so far? One that was public once could send us to its neighbours of then.</summary>
    private bool IsInside => _wasInside && !_wasOutside;

    /// <summary>May nothing behind this be a private address?</summary>
    public bool Guards => registry is not null && !(options.PrivateRedirects ?? registry.IsInside);

    public async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken token)
    {
        var (host, port) = (context.DnsEndPoint.Host, context.DnsEndPoint.Port);
        IReadOnlyList<IPAddress> addresses = IPAddress.TryParse(host, out var literal) ? [literal] : await ResolveAsync(host, token);
        // Where a proxy is, the operator has said; what is behind it, only the proxy knows.
        var isProxy = IsProxy(context);
        if (Guards && !isProxy)
        {
            var open = addresses.Where(static address => !PrivateAddress.Is(address)).ToList();
            addresses = open.Count > 0 ? open : throw new ForbiddenAddressException(host, addresses[0]);
        }
        var socket = await RaceAsync(Interleave(addresses), port, token);
        if (!isProxy && PrivateAddress.Is(((IPEndPoint)socket.RemoteEndPoint!).Address))
            _wasInside = true;
        else
            _wasOutside = true;
        return new NetworkStream(socket, ownsSocket: true);
    }

    /// <summary>By turns of one family and the other, the resolver's first choice first (RFC 8305, 4).</summary>
    internal static IReadOnlyList<IPAddress> Interleave(IReadOnlyList<IPAddress> addresses)
    {
        var first = addresses.Where(address => address.AddressFamily == addresses[0].AddressFamily).ToList();
        var second = addresses.Where(address => address.AddressFamily != addresses[0].AddressFamily).ToList();
        return [.. first.Select((address, i) => (address, i * 2)).Concat(second.Select((address, i) => (address, (i * 2) + 1)))
            .OrderBy(static one => one.Item2).Select(static one => one.address).Distinct().Take(MaxAddresses)];
    }

    private async ValueTask<IReadOnlyList<IPAddress>> ResolveAsync(string host, CancellationToken token)
    {
        var found = options.Resolve is { } resolve ? await resolve(host, token) : await Dns.GetHostAddressesAsync(host, token);
        return found.Count > 0 ? found : throw new SocketException((int)SocketError.NoData);
    }

    private async Task<Socket> RaceAsync(IReadOnlyList<IPAddress> addresses, int port, CancellationToken token)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(token);
        var running = new List<Task<Socket>>();
        Exception? refused = null;
        try
        {
            for (var next = 0; ;)
            {
                if (next < addresses.Count)
                    running.Add(ConnectAsync(new IPEndPoint(addresses[next++], port), over.Token));
                else if (running.Count == 0)
                    throw new IOException(refused!.Message, refused);
                await AnyAsync(running, next < addresses.Count, over.Token);
                foreach (var done in running.Where(static one => one.IsCompleted).ToList())
                {
                    running.Remove(done);
                    if (done.IsCompletedSuccessfully)
                        return await done;
                    refused ??= done.Exception?.InnerException;
                    token.ThrowIfCancellationRequested();
                }
            }
        }
        finally
        {
            await over.CancelAsync();
            foreach (var loser in running)
                await DiscardAsync(loser);
        }
    }

    private async Task AnyAsync(List<Task<Socket>> running, bool more, CancellationToken token)
    {
        Task any = Task.WhenAny(running);
        if (!more)
        {
            await any;
            return;
        }
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(token);
        await Task.WhenAny(any, Task.Delay(AttemptDelay, options.Time, enough.Token));
        await enough.CancelAsync();
    }

    private static async Task<Socket> ConnectAsync(IPEndPoint target, CancellationToken token)
    {
        var socket = new Socket(target.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(target, token);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static async Task DiscardAsync(Task<Socket> loser)
    {
        try
        {
            (await loser).Dispose();
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            // It lost; why no longer matters.
        }
    }

    // A tunnel's CONNECT names the proxy as its target; any other request to a proxy goes to another place than it names.
    private static bool IsProxy(SocketsHttpConnectionContext context) =>
        context.InitialRequestMessage.Method == HttpMethod.Connect
        || context.InitialRequestMessage.RequestUri is not { } target
        || !target.IdnHost.Trim('[', ']').Equals(context.DnsEndPoint.Host.Trim('[', ']'), StringComparison.OrdinalIgnoreCase)
        || target.Port != context.DnsEndPoint.Port;
}
