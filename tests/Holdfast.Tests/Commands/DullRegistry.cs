using System.Net;
using System.Text;

namespace Holdfast.Tests.Commands;

/// <summary>A registry that answers, and has nothing to read.</summary>
internal sealed class DullRegistry : IAsyncDisposable
{
    private readonly HttpListener _listener = new();
    private readonly string _manner;
    private readonly Task _loop;

    private DullRegistry(string manner, int port)
    {
        (_manner, Host) = (manner, $"127.0.0.1:{port}");
        _listener.Prefixes.Add($"http://{Host}/");
        _listener.Start();
        _loop = AnswerAsync();
    }

    public string Host { get; }

    /// <param name="manner">busy, untagged, sends away: to a token endpoint that nobody listens at, or page: one for people.</param>
    public static DullRegistry Start(string manner) => new(manner, Testing.FreePorts.Take());

    public async ValueTask DisposeAsync()
    {
        // Not stopped first: to close a stopped one, it binds its port again.
        _listener.Close();
        await _loop;
    }

    private async Task AnswerAsync()
    {
        try
        {
            while (true)
                Answer(await _listener.GetContextAsync());
        }
        catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
        {
            // Stopped.
        }
    }

    private void Answer(HttpListenerContext context)
    {
        var path = context.Request.Url!.AbsolutePath;
        var body = path.EndsWith("/_catalog", StringComparison.Ordinal) ? """{"repositories":["a","b"]}""" : path.EndsWith("/tags/list", StringComparison.Ordinal) ? """{"name":"a","tags":null}""" : "{}";
        if (_manner == "busy")
        {
            context.Response.StatusCode = 429;
            context.Response.AddHeader("Retry-After", "3600");
        }
        else if (_manner == "sends away")
        {
            context.Response.StatusCode = 401;
            context.Response.AddHeader("WWW-Authenticate", "Bearer realm=\"http://127.0.0.1:1/token\",service=\"x\"");
        }
        context.Response.ContentType = _manner == "page" ? "text/html" : "application/json";
        context.Response.Close(Encoding.UTF8.GetBytes(body), willBlock: false);
    }
}
