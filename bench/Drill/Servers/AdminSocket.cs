using System.Net.Sockets;
using System.Text.Json;

namespace Holdfast.Drill.Servers;

/// <summary>A running server's administration.</summary>
internal sealed class AdminSocket : IDisposable
{
    private readonly HttpClient _http;

    public AdminSocket(string path) => _http = new HttpClient(new SocketsHttpHandler
    {
        UseProxy = false,
        ConnectCallback = async (_, token) =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), token);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        },
    })
    {
        BaseAddress = new Uri("http://localhost/"),
        Timeout = TimeSpan.FromMinutes(10),
    };

    /// <returns>The answer's object.</returns>
    /// <exception cref="DrillException">It was refused.</exception>
    public async Task<JsonElement> GetAsync(string path, CancellationToken token)
    {
        using var response = await _http.GetAsync(new Uri(path, UriKind.Relative), token);
        var text = await response.Content.ReadAsStringAsync(token);
        return response.IsSuccessStatusCode ? JsonSerializer.Deserialize<JsonElement>(text) : throw new DrillException($"GET {path}: {(int)response.StatusCode} {text}");
    }

    /// <returns>The last line's result.</returns>
    /// <exception cref="DrillException">It was refused, or ended with an error.</exception>
    public async Task<JsonElement> PostAsync(string path, CancellationToken token)
    {
        using var response = await _http.PostAsync(new Uri(path, UriKind.Relative), null, token);
        var text = await response.Content.ReadAsStringAsync(token);
        if (!response.IsSuccessStatusCode)
            throw new DrillException($"POST {path}: {(int)response.StatusCode} {text}");
        var last = JsonSerializer.Deserialize<JsonElement>(text.Trim().Split('\n')[^1]);
        return last.TryGetProperty("error", out var error) ? throw new DrillException($"POST {path}: {error}") : last;
    }

    public void Dispose() => _http.Dispose();
}
