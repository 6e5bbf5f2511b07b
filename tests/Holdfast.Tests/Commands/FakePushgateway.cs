using System.Collections.Concurrent;
using System.Net;
using Holdfast.Testing;

namespace Holdfast.Tests.Commands;

/// <summary>Takes what is pushed as Prometheus' Pushgateway does, and keeps it.</summary>
internal sealed class FakePushgateway : IAsyncDisposable
{
    private readonly HttpListener _listener = new();
    private readonly Task _running;

    private FakePushgateway(string address)
    {
        Address = address;
        _listener.Prefixes.Add(address);
        _listener.Start();
        _running = RunAsync();
    }

    public string Address { get; }

    public ConcurrentQueue<(string Path, string Body)> Pushed { get; } = [];

    public static FakePushgateway Start() => new($"http://127.0.0.1:{FreePorts.Take()}/");

    public async ValueTask DisposeAsync()
    {
        _listener.Close();
        await _running;
    }

    private async Task RunAsync()
    {
        try
        {
            while (true)
            {
                var context = await _listener.GetContextAsync();
                using var reader = new StreamReader(context.Request.InputStream);
                Pushed.Enqueue((context.Request.RawUrl!, await reader.ReadToEndAsync()));
                context.Response.StatusCode = context.Request.HttpMethod == "PUT" ? 200 : 405;
                context.Response.Close();
            }
        }
        catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
        {
            // Closed.
        }
    }
}
