using System.Net;
using System.Text;
using Holdfast.Client;
using Holdfast.Client.Probe;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Holdfast.Commands;

/// <summary>Brings a probe's metrics to where Prometheus finds them: a page, a Pushgateway, a file.</summary>
internal sealed class ProbePublisher(ProbePlan plan, ProbeGauges gauges) : IAsyncDisposable
{
    private const string ContentType = "text/plain; version=0.0.4; charset=utf-8";
    private static readonly TimeSpan PushLimit = TimeSpan.FromSeconds(30);

    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false, Proxy = new OutwardProxy(), PooledConnectionLifetime = TimeSpan.FromMinutes(1) }) { Timeout = PushLimit };
    private WebApplication? _page;

    /// <summary>Starts to answer /metrics, if that is asked for.</summary>
    /// <exception cref="IOException">The address is in use.</exception>
    public async Task ListenAsync(CancellationToken token)
    {
        if (plan.Listen is not { } url)
            return;
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            if (IPAddress.TryParse(url.Host.Trim('[', ']'), out var address))
                kestrel.Listen(address, url.Port);
            else if (url.Host == "localhost")
                kestrel.ListenLocalhost(url.Port);
            else
                throw new InvalidOperationException($"'{url.Host}' is no address of this machine; write an IP address: 127.0.0.1, or 0.0.0.0 for all");
        });
        _page = builder.Build();
        _page.Run(AnswerAsync);
        await _page.StartAsync(token);
    }

    /// <returns>What could not be told, and why.</returns>
    public async Task<IReadOnlyList<string>> PublishAsync(string instance, CancellationToken token)
    {
        var problems = new List<string>();
        if (plan.Textfile is { } file && WriteFile(file) is { } unwritten)
            problems.Add(unwritten);
        if (plan.Pushgateway is { } gateway && await PushAsync(gateway, instance, token) is { } unpushed)
            problems.Add(unpushed);
        return problems;
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        if (_page is not null)
            await _page.DisposeAsync();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        if (context.Request.Path != "/metrics" || !HttpMethods.IsGet(context.Request.Method))
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            await context.Response.WriteAsync("/metrics is here\n", context.RequestAborted);
            return;
        }
        context.Response.ContentType = ContentType;
        await context.Response.WriteAsync(gauges.Write(), context.RequestAborted);
    }

    // The collector reads whenever it likes; it passes over names that don't end with .prom.
    private string? WriteFile(string file)
    {
        try
        {
            var beside = file + ".new";
            File.WriteAllText(beside, gauges.Write(), new UTF8Encoding(false));
            File.Move(beside, file, overwrite: true);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"--textfile: {e.Message}";
        }
    }

    // PUT replaces the whole group, so that a repository that is right again loses its series.
    private async Task<string?> PushAsync(Uri gateway, string instance, CancellationToken token)
    {
        var url = new Uri($"{gateway.AbsoluteUri.TrimEnd('/')}/metrics/job/holdfast-probe/instance/{Uri.EscapeDataString(instance)}");
        try
        {
            using var content = new StringContent(gauges.Write(instance), Encoding.UTF8);
            content.Headers.ContentType = System.Net.Http.Headers.MediaTypeHeaderValue.Parse(ContentType);
            using var answer = await _http.PutAsync(url, content, token);
            return answer.IsSuccessStatusCode ? null : $"--pushgateway: {url.Authority} answered {(int)answer.StatusCode} {answer.StatusCode}";
        }
        catch (Exception e) when (e is HttpRequestException || (e is OperationCanceledException && !token.IsCancellationRequested))
        {
            return $"--pushgateway: {url.Authority}: {e.Message}";
        }
    }
}
