using System.Text;
using Holdfast.Server.Http;
using Microsoft.AspNetCore.Http;

namespace Holdfast.Server.Metrics;

/// <summary>/metrics. It asks for no credentials: no metric names a repository, a user or a client.</summary>
internal sealed class MetricsPage(MetricsCollector collector)
{
    public async Task AnswerAsync(RegistryRequest request)
    {
        var text = "";
        collector.Collect(metrics => text = Exposition.Write(metrics));
        var body = Encoding.UTF8.GetBytes(text);
        var response = request.Context.Response;
        response.ContentType = Exposition.ContentType;
        response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(request.Context.Request.Method))
            await response.BodyWriter.WriteAsync(body, request.Aborted);
    }
}
