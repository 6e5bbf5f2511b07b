using System.Net;
using Holdfast.Server.Auth;
using Holdfast.Server.Http;
using Holdfast.Server.Incidents;
using Holdfast.Server.Probe;
using Holdfast.Storage;
using Holdfast.Storage.Metadata;
using Microsoft.Extensions.Logging;

namespace Holdfast.Server;

/// <summary>A running server: its listeners, and the way to stop it.</summary>
public sealed class RegistryServer : IAsyncDisposable
{
    private readonly Dictionary<string, Authenticator> _authenticators = new(StringComparer.Ordinal);
    private readonly SelfPass _pass = SelfPass.Create();
    private ServerRooms? _rooms;
    private IReadOnlyList<Recurring> _background = [];
    private Recurring? _probe;
    private ServerHost? _host;

    private RegistryServer()
    {
    }

    /// <summary>The listeners' real addresses, in the options' order, with the ports that were taken for port 0.</summary>
    public IReadOnlyList<Uri> Addresses => _host!.Addresses;

    /// <summary>Starts listening; returns when every listener accepts connections.</summary>
    /// <exception cref="IOException">An address is in use or a certificate can't be read.</exception>
    /// <exception cref="InvalidDataException">An htpasswd file is not right; the message has a line for every problem.</exception>
    public static async Task<RegistryServer> StartAsync(
        ServerOptions options, ContentStores stores, ILoggerFactory logs, TimeProvider time, CancellationToken cancellationToken)
    {
        var server = new RegistryServer();
        try
        {
            server.OpenAuthenticators(options, time, logs.CreateLogger<Authenticator>());
            var storeTime = await StoreTime.OpenAsync(stores.Metadata, time, cancellationToken);
            var registries = await OpenRegistriesAsync(options, stores, cancellationToken);
            var rooms = server._rooms = ServerRooms.Create(options, registries, stores, storeTime, logs);
            await rooms.BeginAsync(cancellationToken);
            foreach (var authenticator in server._authenticators.Values)
                authenticator.ReportTo((file, problem) => rooms.Incidents.Report(IncidentKind.Configuration, IncidentKeeper.UsersFile + file, problem));
            var routes = RegistryRoutes.Create(options, stores.Metadata, rooms, storeTime);
            server.MapTokenEndpoint(routes, registries, time);
            var dispatcher = new RegistryChoice(server.DispatcherOf(routes.Hosted), server.DispatcherOf(routes.Caches));
            var admin = new AdminDispatcher(
                AdminRoutes.Create(options, stores, rooms, storeTime, logs), server.AdmitAdminAsync, time, logs.CreateLogger<AdminDispatcher>());
            var parts = new ServerParts(stores, logs, time)
            {
                Incidents = rooms.Incidents,
                RegistryOf = listener => listener.ServesEveryCache ? CacheNamespaces.Unchosen(stores) : registries[listener.Registry],
                Caches = new CacheNamespaces(registries.Values),
                Dispatch = request => request.Route.Kind == RouteKind.Admin || request.Listener.LocalCaller is not null
                    ? admin.HandleAsync(request)
                    : dispatcher.HandleAsync(request),
            };
            server._host = await ServerHost.StartAsync(options, parts, cancellationToken);
            server._background = BackgroundWork.Start(options, rooms, storeTime, logs.CreateLogger<Recurring>());
            if (SelfProbe.Create(options, server.Addresses, server._pass, new ProbeSurroundings(stores.Metadata, rooms.Incidents, storeTime, time, logs)) is { } probe)
                server._probe = Recurring.Start("the probe", options.Probe.Interval, probe.RunAsync, time, logs.CreateLogger<Recurring>());
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Drains: running requests may finish within the drain timeout, new ones get 503, then the listeners close.</summary>
    public async Task StopAsync()
    {
        await StopProbeAsync();
        await _host!.StopAsync();
    }

    /// <summary>Stops without waiting for anything that still runs, unless <see cref="StopAsync"/> was called before.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopProbeAsync();
        if (_host is not null)
            await _host.DisposeAsync();
        foreach (var work in _background)
            await work.DisposeAsync();
        if (_rooms is not null)
            await _rooms.DisposeAsync();
        foreach (var authenticator in _authenticators.Values)
            authenticator.Dispose();
    }

    private Dispatcher DispatcherOf(RouteTable routes) => new(routes, AdmitAsync, _rooms!.Reserve, _rooms.Checks.Watch, _rooms.Writes);

    // Before the drain: what it would be refused then says nothing about the images.
    private async ValueTask StopProbeAsync()
    {
        if (Interlocked.Exchange(ref _probe, null) is { } probe)
            await probe.DisposeAsync();
    }

    private void OpenAuthenticators(ServerOptions options, TimeProvider time, ILogger log)
    {
        var signer = options.TokenKeyFile is { } file && options.Registries.Any(r => r.Auth is not null)
            ? TokenSigner.LoadOrCreate(file)
            : TokenSigner.CreateEphemeral();
        // Nothing of a cache is reached before it was chosen.
        _authenticators.Add(ListenerOptions.EveryCache, Authenticator.Open(null, ListenerOptions.EveryCache, signer, time, log));
        foreach (var registry in options.Registries)
            _authenticators.Add(registry.Name, Authenticator.Open(registry.Auth, registry.Name, signer, time, log));
    }

    private static async Task<Dictionary<string, Registry>> OpenRegistriesAsync(
        ServerOptions options, ContentStores stores, CancellationToken cancellationToken)
    {
        var registries = new Dictionary<string, Registry>(StringComparer.Ordinal);
        foreach (var registry in options.Registries)
        {
            var id = await stores.Metadata.WriteAsync(
                    registry,
                    static (db, registry) => registry.Cache is { } cache
                        ? Registries.EnsureCache(db, registry.Name, cache.Upstream.Namespace)
                        : Registries.Ensure(db, registry.Name, RegistryKind.Hosted),
                    cancellationToken)
                ?? throw new InvalidDataException($"registry {registry.Name} is configured as {(registry.Cache is null ? "hosted" : "a cache")}, but what it holds is {(registry.Cache is null ? "a cache's" : "a hosted registry's")}; give it another name, or the kind that it had");
            registries.Add(registry.Name, new Registry(id, registry.Name, stores) { Cache = registry.Cache });
        }
        return registries;
    }

    private ValueTask<Admission> AdmitAsync(RegistryRequest request, RegistryActions needs) =>
        (needs & ~RegistryActions.Pull) == 0 && _pass.IsShownBy(request.Context) ? ValueTask.FromResult(Admission.Admitted(Caller.Self)) : _authenticators[request.Registry.Name].AdmitAsync(request.Context, request.Route, needs, ClientOf(request), request.Aborted);

    private ValueTask<Admission> AdmitAdminAsync(RegistryRequest request, RegistryActions needs) =>
        _authenticators[request.Registry.Name].AdmitAdminAsync(request.Context, ClientOf(request), request.Aborted);

    private void MapTokenEndpoint(RegistryRoutes routes, Dictionary<string, Registry> registries, TimeProvider time)
    {
        var handlers = _authenticators.ToDictionary(
            a => a.Key, a => new TokenHandler(a.Value, time) { NameOf = registries.TryGetValue(a.Key, out var registry) ? registry.NameOf : static name => name }, StringComparer.Ordinal);
        foreach (var method in new[] { "GET", "POST" })
        {
            foreach (var table in new[] { routes.Hosted, routes.Caches })
            {
                table.Map(RouteKind.Token, method, null, request =>
                    handlers[request.Registry.Name].HandleAsync(request.Context, ClientOf(request), request.Aborted));
            }
        }
    }

    private static IPAddress ClientOf(RegistryRequest request) => request.Context.Connection.RemoteIpAddress ?? IPAddress.None;
}
