using System.Net;
using System.Text;
using Holdfast.Server.Http;
using Holdfast.Storage;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Holdfast.Server.Tests.Hosting;

/// <summary>A server on a free loopback port whose handler the test chooses.</summary>
internal sealed class HostUnderTest : IAsyncDisposable
{
    private HostUnderTest(ServerHost host, StubBlobStore blobs, StubDatabase database, StringWriter log)
    {
        Host = host;
        Blobs = blobs;
        Database = database;
        Log = log;
        Client = new HttpClient { BaseAddress = host.Addresses[0] };
    }

    public ServerHost Host { get; }

    public StubBlobStore Blobs { get; }

    public StubDatabase Database { get; }

    /// <summary>The access log; complete once the host is disposed.</summary>
    public StringWriter Log { get; }

    public HttpClient Client { get; }

    public IPEndPoint EndPoint => new(IPAddress.Loopback, Host.Addresses[0].Port);

    public static Task<HostUnderTest> StartAsync(Func<RegistryRequest, Task> dispatch) => StartAsync(dispatch, static options => options);

    public static async Task<HostUnderTest> StartAsync(
        Func<RegistryRequest, Task> dispatch, Func<ServerOptions, ServerOptions> change, ILoggerFactory? logs = null, TimeProvider? time = null)
    {
        var log = new StringWriter();
        var options = change(new ServerOptions
        {
            Listeners = [new ListenerOptions { Url = new Uri("http://127.0.0.1:0"), Registry = "main" }],
            Registries = [new RegistryOptions { Name = "main" }],
            AccessLog = new AccessLogOptions { Sink = log },
            DrainTimeout = TimeSpan.FromSeconds(30),
        });
        var blobs = new StubBlobStore();
        var database = new StubDatabase();
        var parts = new ServerParts(new ContentStores(blobs, database), logs ?? NullLoggerFactory.Instance, time ?? TimeProvider.System)
        {
            RegistryOf = listener => new Registry(1, listener.Registry, new ContentStores(blobs, database)),
            Dispatch = dispatch,
            Incidents = new IncidentBook(database, time ?? TimeProvider.System, NullLogger<IncidentBook>.Instance),
        };
        return new HostUnderTest(await ServerHost.StartAsync(options, parts, CancellationToken.None), blobs, database, log);
    }

    /// <summary>A handler that answers every request with a text.</summary>
    public static Func<RegistryRequest, Task> Answering(string text) => request =>
    {
        var body = Encoding.UTF8.GetBytes(text);
        request.Context.Response.ContentLength = body.Length;
        return request.Context.Response.Body.WriteAsync(body, request.Aborted).AsTask();
    };

    public async Task<string> StopAndReadLogAsync()
    {
        await DisposeAsync();
        return Log.ToString();
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await Host.DisposeAsync();
    }
}
