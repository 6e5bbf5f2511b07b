using System.Net;
using System.Text.Json;
using Holdfast.Server.Admin;
using Holdfast.Server.Http;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Admin;

/// <summary>The description that programs get says what the code does.</summary>
public class OpenApiTests
{
    [Fact]
    public async Task Schemas_OfTheDescription_HaveTheMembersOfTheirTypes()
    {
        using var document = JsonDocument.Parse(await GetAsync());
        var types = typeof(AdminJson).Assembly.GetTypes().ToLookup(type => type.Name, StringComparer.Ordinal);
        List<string> withoutType = [];
        foreach (var schema in document.RootElement.GetProperty("components").GetProperty("schemas").EnumerateObject())
        {
            if (types[schema.Name].FirstOrDefault() is not { } type)
            {
                withoutType.Add(schema.Name);
                continue;
            }
            var members = AdminJson.Answers.GetTypeInfo(type).Properties.Select(property => property.Name).ToList();
            schema.Value.GetProperty("properties").EnumerateObject().Select(property => property.Name).ShouldBe(members, ignoreOrder: true, schema.Name);
            // An answer's members are always all there; a request takes no others.
            if (schema.Value.TryGetProperty("required", out var required))
                required.EnumerateArray().Select(name => name.GetString()).ShouldBe(members, ignoreOrder: true, schema.Name);
            else
                schema.Value.GetProperty("additionalProperties").GetBoolean().ShouldBeFalse(schema.Name);
        }
        // Of which the types are private, or there is none.
        withoutType.ShouldBe(["Errors", "RetentionOrder", "RetentionScope", "ScrubOrder"]);
    }

    [Fact]
    public async Task References_InTheDescription_LeadSomewhere()
    {
        using var document = JsonDocument.Parse(await GetAsync());
        var references = References(document.RootElement).ToList();
        references.Count.ShouldBeGreaterThan(50);
        foreach (var reference in references)
        {
            var place = document.RootElement;
            foreach (var name in reference.Split('/')[1..])
                place.TryGetProperty(name, out place).ShouldBeTrue(reference);
        }
    }

    private static async Task<string> GetAsync()
    {
        await using var admin = await AdminHost.StartAsync(table => table.Map("GET", "/api/v1/openapi.json", OpenApiEndpoint.GetAsync));
        using var response = await admin.Client.GetAsync("/api/v1/openapi.json");
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        response.Content.Headers.ContentType!.MediaType.ShouldBe("application/json");
        return await response.Content.ReadAsStringAsync();
    }

    private static IEnumerable<string> References(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().SelectMany(
            property => property.Name == "$ref" ? [property.Value.GetString()!] : References(property.Value)),
        JsonValueKind.Array => element.EnumerateArray().SelectMany(References),
        _ => [],
    };
}
