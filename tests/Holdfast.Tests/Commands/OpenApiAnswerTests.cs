using System.Text.Json;
using Holdfast.Commands;
using Holdfast.Tests.Configuration;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Commands;

/// <summary>A real server answers as its OpenAPI description says.</summary>
public sealed class OpenApiAnswerTests(ConfigurationFolder folder) : IClassFixture<ConfigurationFolder>
{
    [Fact]
    public async Task Answers_OfEveryPlaceThatIsOnlyRead_AreAsDescribed()
    {
        folder.Write("described.yaml", """
            data: described
            listeners: [ { url: "http://127.0.0.1:0", registry: a }, { url: "http://127.0.0.1:0", registry: "*" } ]
            registries: { a: {}, hub: { kind: cache, upstream: { url: "http://127.0.0.1:9" } } }
            retention: [ { registries: ["*"], repositories: ["**"], keepNewest: 3 } ]
            """);
        await using var server = await RunningServer.StartAsync(folder.Path, ["--config", "described.yaml"], listeners: 2);
        using var pushed = await server.Client.PostAsync("/v2/app/blobs/uploads/?digest=" + Digest, new StringContent("hello"));
        pushed.EnsureSuccessStatusCode();
        File.Delete(Path.Combine(folder.Path, "described/blobs/sha256/2c", Digest[7..]));
        using var pull = await server.Client.GetAsync("/v2/app/blobs/" + Digest);
        using var connection = AdminConnection.ToFolder(Path.Combine(folder.Path, "described"), AdminOptions.SocketName);
        var description = await connection.GetAsync<JsonElement>("/api/v1/openapi.json", CancellationToken.None);
        var checkedPlaces = 0;
        foreach (var place in description.GetProperty("paths").EnumerateObject())
        {
            if (!place.Value.TryGetProperty("get", out var get)
                || !get.GetProperty("responses").GetProperty("200").GetProperty("content").TryGetProperty("application/json", out var content))
            {
                continue;
            }
            var answer = await connection.GetAsync<JsonElement>(place.Name.Replace("{id}", "1", StringComparison.Ordinal), CancellationToken.None);
            Check(description, content.GetProperty("schema"), answer, place.Name);
            checkedPlaces++;
        }
        checkedPlaces.ShouldBe(9);
    }

    private const string Digest = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"; // hello

    private static void Check(JsonElement description, JsonElement schema, JsonElement value, string where)
    {
        if (schema.TryGetProperty("$ref", out var reference))
        {
            var place = reference.GetString()!.Split('/')[1..].Aggregate(description, (at, name) => at.GetProperty(name));
            Check(description, place, value, where);
            return;
        }
        if (schema.TryGetProperty("oneOf", out var either))
        {
            if (value.ValueKind != JsonValueKind.Null)
                Check(description, either[0], value, where);
            return;
        }
        var types = schema.GetProperty("type") is { ValueKind: JsonValueKind.Array } several ? [.. several.EnumerateArray().Select(type => type.GetString()!)] : new[] { schema.GetProperty("type").GetString()! };
        types.ShouldContain(TypeOf(value, types), where);
        if (value.ValueKind == JsonValueKind.Array)
        {
            foreach (var item in value.EnumerateArray())
                Check(description, schema.GetProperty("items"), item, where + "[]");
        }
        if (value.ValueKind != JsonValueKind.Object || !schema.TryGetProperty("properties", out var properties))
            return;
        value.EnumerateObject().Select(member => member.Name).ShouldBe(properties.EnumerateObject().Select(property => property.Name), ignoreOrder: true, where);
        foreach (var property in properties.EnumerateObject())
            Check(description, property.Value, value.GetProperty(property.Name), $"{where}.{property.Name}");
    }

    private static string TypeOf(JsonElement value, string[] expected) => value.ValueKind switch
    {
        JsonValueKind.Null => "null",
        JsonValueKind.True or JsonValueKind.False => "boolean",
        JsonValueKind.String => "string",
        JsonValueKind.Array => "array",
        JsonValueKind.Object => "object",
        _ => value.TryGetInt64(out _) && expected.Contains("integer") ? "integer" : "number",
    };
}
