using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Holdfast.Client.Tests;

/// <summary>A hand-made registry on a free loopback port that answers as a test wants, and remembers what it was asked.</summary>
internal sealed class Upstream : IAsyncDisposable
{
    private readonly WebApplication _app;
    private int _requests;

    private Upstream(WebApplication app) => _app = app;

    public Uri Address { get; private set; } = null!;

    public ConcurrentQueue<Seen> Requests { get; } = [];

    /// <param name="answer">Gets the request and its number, from 1.</param>
    /// <param name="configure">For TLS; null: plain http.</param>
    /// <param name="at">Null: a free port of 127.0.0.1.</param>
    public static async Task<Upstream> StartAsync(
        Func<HttpContext, int, Task> answer, Action<Microsoft.AspNetCore.Server.Kestrel.Core.ListenOptions>? configure = null, IPEndPoint? at = null)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(at ?? new IPEndPoint(IPAddress.Loopback, 0), listen => configure?.Invoke(listen));
            kestrel.Limits.MinResponseDataRate = null;
        });
        if (configure is not null)
            builder.WebHost.UseKestrelHttpsConfiguration();
        var app = builder.Build();
        var upstream = new Upstream(app);
        app.Run(context => upstream.AnswerAsync(context, answer));
        await app.StartAsync();
        upstream.Address = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        return upstream;
    }

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
    }

    private Task AnswerAsync(HttpContext context, Func<HttpContext, int, Task> answer)
    {
        var headers = context.Request.Headers;
        Requests.Enqueue(new Seen(
            context.Request.Method, context.Request.Path + context.Request.QueryString, headers.Authorization, headers.Range, headers.IfRange, headers.Accept.ToString()));
        return answer(context, Interlocked.Increment(ref _requests));
    }
}

internal sealed record Seen(string Method, string Target, string? Authorization, string? Range, string? IfRange, string Accept);
