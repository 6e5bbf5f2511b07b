using System.Net;
using System.Net.Sockets;
using System.Text;
using Holdfast.Server.Http;
using Holdfast.Server.Tests.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Holdfast.Server.Tests.Admin;

/// <summary>A server that has an administration socket, with handlers that the test chooses.</summary>
internal sealed class AdminHost : IAsyncDisposable
{
    private readonly DirectoryInfo _folder;

    private AdminHost(DirectoryInfo folder, HostUnderTest host)
    {
        (_folder, Host) = (folder, host);
        Client = ClientOf(Socket);
    }

    public HostUnderTest Host { get; }

    /// <summary>Speaks to the socket.</summary>
    public HttpClient Client { get; }

    public string Socket => Path.Combine(_folder.FullName, "admin.sock");

    public static async Task<AdminHost> StartAsync(
        Action<AdminTable> map, Func<ServerOptions, ServerOptions>? change = null, ILoggerFactory? logs = null)
    {
        var table = new AdminTable();
        map(table);
        var dispatcher = new AdminDispatcher(
            table, (_, _) => throw new NotSupportedException(), TimeProvider.System, (logs ?? NullLoggerFactory.Instance).CreateLogger<AdminDispatcher>());
        var folder = Directory.CreateTempSubdirectory("holdfast-admin-");
        var host = await HostUnderTest.StartAsync(
            dispatcher.HandleAsync,
            options => (change ?? (static same => same))(options with { AdminSocket = Path.Combine(folder.FullName, "admin.sock") }),
            logs);
        return new AdminHost(folder, host);
    }

    public static HttpClient ClientOf(string socket) => new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, token) =>
        {
            var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket), token);
            return new NetworkStream(connection, ownsSocket: true);
        },
    })
    {
        BaseAddress = new Uri("http://localhost/"),
        Timeout = TimeSpan.FromSeconds(60),
    };

    public async Task<(HttpStatusCode Status, string Body)> PostAsync(string path, string body, string type = "application/json")
    {
        using var content = new StringContent(body, Encoding.UTF8, type);
        using var response = await Client.PostAsync(path, content);
        return (response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    /// <summary>Sends a request without a body; returns when the answer's headers are here.</summary>
    public Task<HttpResponseMessage> BeginAsync(string path) =>
        Client.SendAsync(new HttpRequestMessage(HttpMethod.Post, path), HttpCompletionOption.ResponseHeadersRead);

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await Host.DisposeAsync();
        _folder.Delete(recursive: true);
    }
}
