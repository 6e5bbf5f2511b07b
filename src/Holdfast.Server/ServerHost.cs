using Holdfast.Server.Http;
using Holdfast.Server.Metrics;
using Holdfast.Storage;
using Holdfast.Storage.Metadata;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace Holdfast.Server;

/// <summary>What a host is given to serve.</summary>
internal sealed record ServerParts(ContentStores Stores, ILoggerFactory Logs, TimeProvider Time)
{
    public required Func<ListenerOptions, Registry> RegistryOf { get; init; }

    /// <summary>For a listener that serves every cache.</summary>
    public CacheNamespaces? Caches { get; init; }

    /// <summary>Answers everything but health and metrics.</summary>
    public required Func<RegistryRequest, Task> Dispatch { get; init; }

    public required IncidentBook Incidents { get; init; }
}

/// <summary>Listeners, pipeline, log and metrics of one server, from start to drain.</summary>
internal sealed class ServerHost : IAsyncDisposable
{
    // After the drain only answers' tails and idle connections are left.
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(2);

    private readonly ServerOptions _options;
    private readonly ServerParts _parts;
    private readonly InFlight _inFlight = new();
    private readonly MetricsCollector _metrics;
    private readonly HttpInstruments _instruments;
    private readonly List<IDisposable> _otherInstruments;
    private readonly List<TlsCertificate> _certificates = [];
    private readonly AccessLog? _accessLog;
    private readonly Lock _stopLock = new();
    private WebApplication? _application;
    private Task? _stopping;

    private ServerHost(ServerOptions options, ServerParts parts)
    {
        _options = options;
        _parts = parts;

        // The collector first: what is measured before it listens is lost.
        _metrics = new MetricsCollector(this, parts.Logs.CreateLogger<MetricsCollector>());
        _instruments = new HttpInstruments(this, _inFlight);
        _otherInstruments =
        [
            new ProcessInstruments(this),
            new StoreInstruments(this, parts.Stores.Blobs, options.DiskReserveBytes),
            new TlsInstruments(this, _certificates),
            new IncidentInstruments(this, parts.Incidents.Open),
        ];
        _accessLog = options.AccessLog.Enabled ? new AccessLog(options.AccessLog, this, parts.Time) : null;
    }

    public IReadOnlyList<Uri> Addresses { get; private set; } = [];

    /// <exception cref="IOException">An address is in use or a certificate can't be read.</exception>
    public static async Task<ServerHost> StartAsync(ServerOptions options, ServerParts parts, CancellationToken cancellationToken)
    {
        var host = new ServerHost(options, parts);
        try
        {
            await host.ListenAsync(cancellationToken);
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    /// <summary>Drains and closes; every call waits for the same end.</summary>
    public Task StopAsync() => StopOnceAsync(_options.DrainTimeout);

    public async ValueTask DisposeAsync() => await StopOnceAsync(TimeSpan.Zero);

    // Kestrel alone, without a generic host around it: no hosted services, no configuration files or variables read behind our back.
    private async Task ListenAsync(CancellationToken cancellationToken)
    {
        if (_options.AdminSocket is not null)
            AdminSocket.Prepare(_options.AdminSocket);
        var listeners = new Listeners(_options.Limits, _instruments);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.Replace(ServiceDescriptor.Singleton(_parts.Logs));
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            Listeners.ApplyLimits(kestrel);
            foreach (var listener in _options.Listeners)
                listeners.Add(kestrel, Bind(listener), Certificate(listener));
            if (_options.AdminSocket is { } socket)
                listeners.AddAdminSocket(kestrel, socket, ListenerBinding.OfAdminSocket(_parts.Stores));
        });
        builder.Services.Configure<SocketTransportOptions>(static transport => transport.CreateBoundListenSocket = AdminSocket.Bind);
        builder.Services.Replace(ServiceDescriptor.Singleton<IMemoryPoolFactory<byte>, TransportMemory>());
        _application = builder.Build();
        var server = _application.Services.GetRequiredService<IServer>();
        await server.StartAsync(CreatePipeline(), cancellationToken);
        Addresses = listeners.Addresses(_options.Listeners);
    }

    private ListenerBinding Bind(ListenerOptions listener) =>
        new(listener, _parts.RegistryOf(listener)) { Caches = listener.ServesEveryCache ? _parts.Caches : null };

    private RequestPipeline CreatePipeline()
    {
        var handlers = new RequestHandlers(
            _parts.Dispatch,
            new MetricsPage(_metrics).AnswerAsync,
            new Health(_parts.Stores, _parts.Time),
            new ForwardedHeaders(_options.TrustedProxies));
        return new RequestPipeline(
            handlers, _inFlight, new RequestRecorder(_instruments, _accessLog, _parts.Time), _parts.Logs.CreateLogger<RequestPipeline>());
    }

    private TlsCertificate? Certificate(ListenerOptions listener)
    {
        if (listener.Tls is null)
            return null;
        var name = listener.Url.GetLeftPart(UriPartial.Authority);
        var certificate = new TlsCertificate(listener.Tls, name, _parts.Time, _parts.Logs.CreateLogger<TlsCertificate>())
        {
            Report = problem => _parts.Incidents.Report(IncidentKind.Certificate, name, problem),
        };
        _certificates.Add(certificate);
        return certificate;
    }

    private Task StopOnceAsync(TimeSpan patience)
    {
        lock (_stopLock)
            return _stopping ??= StopCoreAsync(patience);
    }

    private async Task StopCoreAsync(TimeSpan patience)
    {
        var drained = await DrainAsync(patience);
        if (_application is not null)
        {
            using var closing = new CancellationTokenSource(drained ? CloseTimeout : TimeSpan.Zero, _parts.Time);
            await _application.Services.GetRequiredService<IServer>().StopAsync(closing.Token);
            await _application.DisposeAsync();
        }

        foreach (var certificate in _certificates)
            await certificate.DisposeAsync();
        if (_accessLog is not null)
            await _accessLog.DisposeAsync();
        _inFlight.Dispose();
        _metrics.Dispose();
        _instruments.Dispose();
        foreach (var instruments in _otherInstruments)
            instruments.Dispose();
    }

    // The sockets stay open meanwhile, so that a load balancer reads 503 instead of a refused connection.
    private async Task<bool> DrainAsync(TimeSpan patience)
    {
        try
        {
            await _inFlight.DrainAsync().WaitAsync(patience, _parts.Time);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }
}
