using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Holdfast.Client;
using Holdfast.Configuration;
using Holdfast.Server.Http;

namespace Holdfast.Commands;

/// <summary>A running server's administration, over the socket in its data folder or over the network.</summary>
internal sealed class AdminConnection : IDisposable
{
    // Answers that aren't lines come at once; a server that takes longer doesn't work.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly HttpClient _client;
    private readonly AdminFaults _faults;

    private AdminConnection(SocketsHttpHandler handler, Uri address, AdminFaults faults)
    {
        _client = new HttpClient(handler) { BaseAddress = address, Timeout = Timeout.InfiniteTimeSpan };
        _client.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("holdfast", ProgramVersion.Text.Split('+')[0]));
        _faults = faults;
    }

    /// <exception cref="AdminFault">There is no socket.</exception>
    public static AdminConnection ToFolder(string folder, string name)
    {
        var socket = Path.Combine(folder, name);
        if (AdminSocket.PathProblem(socket) is { } problem)
            throw new AdminFault(problem);
        var handler = Handler();
        handler.UseProxy = false;
        handler.ConnectCallback = (_, token) => ConnectAsync(new UnixDomainSocketEndPoint(socket), token);
        return new AdminConnection(handler, new Uri("http://localhost/"), AdminFaults.OfFolder(folder, socket));
    }

    /// <param name="authorityFile">Certificates to trust instead of the machine's; null: those.</param>
    public static AdminConnection ToServer(Uri address, string user, string password, string? authorityFile)
    {
        var handler = Handler();
        if (authorityFile is not null)
            handler.SslOptions = Trusting(authorityFile);
        var connection = new AdminConnection(handler, address, AdminFaults.OfServer(address, user));
        connection._client.DefaultRequestHeaders.Authorization =
            new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}")));
        return connection;
    }

    /// <param name="path">From the root, with query: /api/v1/status. Values in it are escaped with <see cref="Uri.EscapeDataString(string)"/>.</param>
    /// <exception cref="AdminFault">The server isn't there, refused, or could not do it.</exception>
    public Task<T> GetAsync<T>(string path, CancellationToken token) => AskAsync<T>(HttpMethod.Get, path, null, Patience, token);

    /// <param name="body">An object whose members the place knows; null: none.</param>
    /// <exception cref="AdminFault">The server isn't there, refused, or could not do it.</exception>
    public Task<T> PostAsync<T>(string path, object? body, CancellationToken token) => AskAsync<T>(HttpMethod.Post, path, body, Patience, token);

    /// <param name="body">An object whose members the place knows.</param>
    /// <param name="patience">Of an answer that takes long, and comes at once when it is there.</param>
    /// <exception cref="AdminFault">The server isn't there, refused, or could not do it.</exception>
    public Task<T> PostAsync<T>(string path, object body, TimeSpan patience, CancellationToken token) => AskAsync<T>(HttpMethod.Post, path, body, patience, token);

    /// <summary>Sends bytes, for as long as that takes.</summary>
    /// <exception cref="AdminFault">The server isn't there, refused, or could not do it.</exception>
    public async Task<T> PutAsync<T>(string path, Stream content, long sizeBytes, CancellationToken token)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Put, path) { Content = new StreamContent(content, 256 * 1024) };
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
            request.Content.Headers.ContentLength = sizeBytes;
            using var response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, token);
            var answer = await response.Content.ReadAsByteArrayAsync(token);
            return response.StatusCode == HttpStatusCode.OK
                ? JsonSerializer.Deserialize<T>(answer, AdminJson.Answers) ?? throw new JsonException()
                : throw _faults.Refused(response.StatusCode, answer);
        }
        catch (Exception e) when (_faults.Explain(e, token) is not null)
        {
            throw _faults.Explain(e, token)!;
        }
    }

    /// <summary>Asks for long work, whose progress is told while it comes.</summary>
    /// <exception cref="AdminFault">The server isn't there, refused, or could not do it.</exception>
    public async Task<T> StreamAsync<T>(HttpMethod method, string path, object? body, Action<AdminProgress> progress, CancellationToken token)
    {
        try
        {
            using var response = await SendAsync(method, path, body, token);
            using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(token));
            while (await lines.ReadLineAsync(token) is { } line)
            {
                var read = JsonSerializer.Deserialize<Line<T>>(line, AdminJson.Answers);
                if (read?.Error is { } error)
                    throw new AdminFault(error.Message);
                if (read?.Progress is { } done)
                    progress(done);
                else if (line.StartsWith("{\"result\":", StringComparison.Ordinal))
                    return read!.Result!;
            }
            throw new AdminFault("the server ended in the middle of its answer; its log tells more");
        }
        catch (Exception e) when (_faults.Explain(e, token) is not null)
        {
            throw _faults.Explain(e, token)!;
        }
    }

    /// <summary>Asks for lines that come bit by bit, as long as the server sends them.</summary>
    /// <param name="each">Called with each line's object, and with null for a sign of life.</param>
    /// <exception cref="AdminFault">The server isn't there, refused, or ended.</exception>
    public async Task WatchAsync<T>(string path, Func<T?, Task> each, CancellationToken token)
        where T : class
    {
        try
        {
            using var response = await SendAsync(HttpMethod.Get, path, null, token);
            using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(token));
            while (await lines.ReadLineAsync(token) is { } line)
            {
                if (JsonSerializer.Deserialize<Line<T>>(line, AdminJson.Answers)?.Error is { } error)
                    throw new AdminFault(error.Message);
                var isSignOfLife = line.StartsWith("{\"progress\":", StringComparison.Ordinal);
                await each(isSignOfLife ? null : JsonSerializer.Deserialize<T>(line, AdminJson.Answers));
            }
            throw new AdminFault("the server ended the watch");
        }
        catch (Exception e) when (_faults.Explain(e, token) is not null)
        {
            throw _faults.Explain(e, token)!;
        }
    }

    public void Dispose() => _client.Dispose();

    private async Task<T> AskAsync<T>(HttpMethod method, string path, object? body, TimeSpan patience, CancellationToken token)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(token);
        limit.CancelAfter(patience);
        try
        {
            using var response = await SendAsync(method, path, body, limit.Token);
            var answer = await response.Content.ReadAsByteArrayAsync(limit.Token);
            return JsonSerializer.Deserialize<T>(answer, AdminJson.Answers) ?? throw new JsonException();
        }
        catch (Exception e) when (_faults.Explain(e, token) is not null)
        {
            throw _faults.Explain(e, token)!;
        }
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, object? body, CancellationToken token)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(body, body.GetType(), AdminJson.Answers));
            request.Content.Headers.ContentType = new MediaTypeHeaderValue(AdminJson.ContentType);
        }
        var response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, token);
        if (response.StatusCode == HttpStatusCode.OK)
            return response;
        using (response)
            throw _faults.Refused(response.StatusCode, await response.Content.ReadAsByteArrayAsync(token));
    }

    private static SocketsHttpHandler Handler() => new() { AllowAutoRedirect = false, Proxy = new OutwardProxy(), ConnectTimeout = TimeSpan.FromSeconds(15) };

    private static async ValueTask<Stream> ConnectAsync(UnixDomainSocketEndPoint endpoint, CancellationToken token)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(endpoint, token);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static SslClientAuthenticationOptions Trusting(string file)
    {
        if (ReadableFile.Fault(file) is { } fault)
            throw new AdminFault($"--ca: {fault}");
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        try
        {
            policy.CustomTrustStore.ImportFromPemFile(file);
        }
        catch (CryptographicException e)
        {
            throw new AdminFault($"--ca: {file}: not certificates in PEM", e);
        }
        if (policy.CustomTrustStore.Count == 0)
            throw new AdminFault($"--ca: {file}: holds no certificate in PEM");
        return new SslClientAuthenticationOptions { CertificateChainPolicy = policy };
    }

    private sealed record Line<T>(AdminProgress? Progress, T? Result, ErrorText? Error);

    private sealed record ErrorText(string Code, string Message);
}
