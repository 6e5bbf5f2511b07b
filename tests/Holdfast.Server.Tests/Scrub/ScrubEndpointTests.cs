using System.Net;
using System.Text.Json;
using Holdfast.Server.Tests.Hosting;
using Holdfast.Server.Tests.Protocol;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Scrub;

public sealed class ScrubEndpointTests : IAsyncLifetime
{
    private readonly RegistryFixture _registry = new() { Time = new ManualTime() };

    public ValueTask InitializeAsync() => _registry.InitializeAsync();

    public ValueTask DisposeAsync() => _registry.DisposeAsync();

    private async Task<(HttpStatusCode Status, JsonElement Last)> RunAsync(string body)
    {
        using var response = await _registry.Admin.PostAsync("/api/v1/scrub/run", new StringContent(body, null, "application/json"));
        var lines = (await response.Content.ReadAsStringAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return (response.StatusCode, JsonDocument.Parse(lines[^1]).RootElement);
    }

    [Fact, Promise("P8")]
    public async Task Run_WithDamage_ReportsItAndOpensIncidents()
    {
        var manifest = await _registry.PushImageAsync("app", "v1", 1);
        var rotten = await _registry.PushBlobAsync("app", Samples.Bytes(50, 900));
        var gone = await _registry.PushBlobAsync("other", Samples.Bytes(51, 900));
        Damage.Do("flip", _registry.BlobFile(rotten));
        Damage.Do("remove", _registry.BlobFile(gone));
        Damage.Do("flip", _registry.BlobFile(Samples.DigestOf(manifest)));

        var (_, one) = await RunAsync("""{"repository":"app"}""");
        var result = one.GetProperty("result");
        (result.GetProperty("blobs").GetInt64(), result.GetProperty("right").GetInt64(), result.GetProperty("corrupt").GetInt64()).ShouldBe((4, 3, 1));
        result.GetProperty("findings")[0].GetProperty("digest").GetString().ShouldBe(rotten.ToString());

        var (_, all) = await RunAsync("{}");
        result = all.GetProperty("result");
        (result.GetProperty("blobs").GetInt64(), result.GetProperty("missing").GetInt64()).ShouldBe((5, 2));
        (await _registry.CountAsync("SELECT COUNT(*) FROM incidents WHERE healed_at IS NULL")).ShouldBe(2);

        using var status = JsonDocument.Parse(await _registry.Admin.GetStringAsync("/api/v1/scrub"));
        status.RootElement.GetProperty("openFindings").GetInt64().ShouldBe(2);
        status.RootElement.GetProperty("walk").GetProperty("totalBlobs").GetInt64().ShouldBe(5);
    }

    [Fact, Promise("P8")]
    public async Task Run_Fast_ReadsOnlyWhatIsNotAsItWas()
    {
        await _registry.PushImageAsync("app", "v1", 1);
        var gone = await _registry.PushBlobAsync("other", Samples.Bytes(51, 900));
        Damage.Do("remove", _registry.BlobFile(gone));

        var (_, all) = await RunAsync("""{"fast":true}""");
        var result = all.GetProperty("result");
        (result.GetProperty("unread").GetInt64(), result.GetProperty("blobs").GetInt64(), result.GetProperty("missing").GetInt64()).ShouldBe((3, 1, 1));
    }

    [Theory]
    [InlineData("""{"fast":true,"repository":"app"}""", HttpStatusCode.BadRequest)]
    [InlineData("""{"fast":true,"rate":5}""", HttpStatusCode.BadRequest)]
    [InlineData("""{"repository":"nothing/here"}""", HttpStatusCode.NotFound)]
    [InlineData("""{"repository":"app","registry":"none"}""", HttpStatusCode.NotFound)]
    [InlineData("""{"repository":"../etc"}""", HttpStatusCode.BadRequest)]
    [InlineData("""{"registry":"test"}""", HttpStatusCode.BadRequest)]
    [InlineData("""{"rate":0}""", HttpStatusCode.BadRequest)]
    [InlineData("""{"rate":-5}""", HttpStatusCode.BadRequest)]
    [InlineData("""{"repo":"app"}""", HttpStatusCode.BadRequest)]
    public async Task Run_ThatCannotBe_IsRefusedBeforeItBegins(string body, HttpStatusCode expected)
    {
        var (status, last) = await RunAsync(body);
        status.ShouldBe(expected);
        last.TryGetProperty("result", out _).ShouldBeFalse();
    }
}
