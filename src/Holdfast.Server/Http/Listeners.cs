using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Holdfast.Server.Http;

/// <summary>The addresses that a server listens on, and what bounds their connections (P10).</summary>
internal sealed class Listeners(LimitOptions limits, HttpInstruments instruments)
{
    private readonly List<ListenOptions> _bound = [];
    private int _connections;

    /// <summary>The real addresses, once the server has started.</summary>
    public IReadOnlyList<Uri> Addresses(IReadOnlyList<ListenerOptions> options) =>
        [.. options.Zip(_bound, static (option, bound) => new UriBuilder(option.Url) { Port = bound.IPEndPoint?.Port ?? option.Url.Port }.Uri)];

    /// <param name="kestrel">The server's options.</param>
    /// <param name="binding">What is served.</param>
    /// <param name="certificate">Null: cleartext.</param>
    public void Add(KestrelServerOptions kestrel, ListenerBinding binding, TlsCertificate? certificate)
    {
        var url = binding.Options!.Url;
        void Configure(ListenOptions listen) => ConfigureListener(listen, binding, certificate);

        // "localhost" is both loopback addresses: clients differ in which they try first. A free port can only be taken on one.
        if (IPAddress.TryParse(url.Host.Trim('[', ']'), out var address))
            kestrel.Listen(address, url.Port, Configure);
        else if (url.Port == 0)
            kestrel.Listen(IPAddress.Loopback, 0, Configure);
        else
            kestrel.ListenLocalhost(url.Port, Configure);
    }

    /// <summary>The administration's socket. It isn't counted against the limit of connections: it is what a flooded server is looked at through.</summary>
    public void AddAdminSocket(KestrelServerOptions kestrel, string path, ListenerBinding binding) => kestrel.ListenUnixSocket(path, listen =>
    {
        listen.Protocols = HttpProtocols.Http1;
        listen.Use(next => connection => ServeLocalAsync(next, connection, binding));
    });

    public static void ApplyLimits(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        kestrel.AllowSynchronousIO = false;
        var limits = kestrel.Limits;

        // Layers have any size; what a handler keeps in memory it bounds itself.
        limits.MaxRequestBodySize = null;

        // Slow-loris: headers within 20 s, then at least 240 bytes/s after 10 s of grace, both ways.
        limits.RequestHeadersTimeout = TimeSpan.FromSeconds(20);
        limits.MinRequestBodyDataRate = new MinDataRate(240, TimeSpan.FromSeconds(10));
        limits.MinResponseDataRate = new MinDataRate(240, TimeSpan.FromSeconds(10));
        limits.KeepAliveTimeout = TimeSpan.FromSeconds(120);
        limits.MaxRequestHeadersTotalSize = 32 * 1024;
        limits.MaxRequestHeaderCount = 100;
        limits.MaxRequestLineSize = 8 * 1024;

        // A window is what a sender may have under way: 1 MiB is 80 Mbit/s for one stream at 100 ms. A connection's bounds what a client
        // can make us hold: twice as large, one push is a tenth faster, and 16 at once take two thirds more memory and no less time.
        limits.Http2.MaxStreamsPerConnection = 100;
        limits.Http2.InitialConnectionWindowSize = 2 * 1024 * 1024;
        limits.Http2.InitialStreamWindowSize = 1024 * 1024;
        limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(60);
    }

    private void ConfigureListener(ListenOptions listen, ListenerBinding binding, TlsCertificate? certificate)
    {
        _bound.Add(listen);

        // In cleartext Kestrel can't tell the two versions apart safely; HTTP/2 is for TLS, where ALPN does.
        listen.Protocols = certificate is null ? HttpProtocols.Http1 : HttpProtocols.Http1AndHttp2;
        listen.Use(next => connection => ServeAsync(next, connection, binding));
        // Encrypted bytes are made in memory.
        Action<ConnectionContext, SocketOutput> offer = certificate is null ? static (connection, output) => connection.Features.Set(output) : static (_, _) => { };
        listen.Use(next => connection => SocketOutput.ServeAsync(next, connection, offer));
        if (certificate is null)
            return;
        listen.UseHttps(new TlsHandshakeCallbackOptions
        {
            HandshakeTimeout = TimeSpan.FromSeconds(10),
            OnConnection = _ => ValueTask.FromResult(certificate.Current),
        });
    }

    private async Task ServeLocalAsync(ConnectionDelegate next, ConnectionContext connection, ListenerBinding binding)
    {
        instruments.ConnectionOpened();
        try
        {
            connection.Features.Set(binding with { LocalCaller = AdminSocket.CallerOf(connection.Features) });
            await next(connection);
        }
        finally
        {
            instruments.ConnectionClosed();
        }
    }

    // Outermost, before TLS: a connection over the limit costs an accept and a close. Kestrel's own limit would count each listener by itself.
    private async Task ServeAsync(ConnectionDelegate next, ConnectionContext connection, ListenerBinding binding)
    {
        if (Interlocked.Increment(ref _connections) > limits.Connections)
        {
            Interlocked.Decrement(ref _connections);
            instruments.ConnectionRefused();
            connection.Abort(new ConnectionAbortedException("Too many connections."));
            return;
        }

        instruments.ConnectionOpened();
        try
        {
            connection.Features.Set(binding);
            await next(connection);
        }
        finally
        {
            Interlocked.Decrement(ref _connections);
            instruments.ConnectionClosed();
        }
    }
}
