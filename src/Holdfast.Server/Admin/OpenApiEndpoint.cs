using System.Text.Json;
using Holdfast.Server.Http;

namespace Holdfast.Server.Admin;

/// <summary><c>GET /api/v1/openapi.json</c>: docs/openapi.json as it was when this was built.</summary>
internal static class OpenApiEndpoint
{
    private static readonly JsonElement Description = Read();

    public static Task GetAsync(AdminRequest request) => request.AnswerAsync(Description);

    private static JsonElement Read()
    {
        using var stream = typeof(OpenApiEndpoint).Assembly.GetManifestResourceStream("openapi.json")!;
        using var document = JsonDocument.Parse(stream);
        return document.RootElement.Clone();
    }
}
