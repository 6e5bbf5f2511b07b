using System.Net;
using Holdfast.Server.Http;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Admin;

public class AdminBodyTests
{
    [Theory]
    [InlineData("{\"id\":7,\"kind\":\"on-demand\",\"note\":\"a+b\"}", "{\"id\":7,\"kind\":\"on-demand\",\"note\":\"a+b\"}")]
    [InlineData("{\"id\":7}", "{\"id\":7,\"kind\":\"scheduled\",\"note\":null}")]
    public async Task Post_ARightBody_IsRead(string body, string answer)
    {
        await using var host = await StartAsync();
        (await host.PostAsync("/api/v1/things", body)).ShouldBe((HttpStatusCode.OK, answer));
    }

    [Theory]
    [InlineData("", "missing member 'id'")]
    [InlineData("{}", "missing member 'id'")]
    [InlineData("{\"id\":7,\"nmae\":1,\"Id\":8}", "unknown member 'Id', 'nmae'; known are id, kind, note")]
    [InlineData("{\"id\":7,\"id\":8}", "not right JSON (line 1")]
    [InlineData("{\"id\":\n7,}", "not right JSON (line 2, byte 3)")]
    [InlineData("{\"id\":7} {}", "not right JSON")]
    [InlineData("{\"id\":\"seven\"}", "id: not a value that it can have")]
    [InlineData("{\"id\":null}", "id: not a value that it can have")]
    [InlineData("{\"id\":7,\"kind\":\"never\"}", "kind: not a value that it can have")]
    [InlineData("{\"id\":7,\"kind\":1}", "kind: not a value that it can have")]
    [InlineData("[]", "the body is to be one JSON object")]
    [InlineData("null", "the body is to be one JSON object")]
    [InlineData("nonsense", "not right JSON")]
    public async Task Post_AWrongBody_IsToldWhatIsWrong(string body, string says)
    {
        await using var host = await StartAsync();
        var (status, answer) = await host.PostAsync("/api/v1/things", body);
        answer.ShouldContain(says);
        answer.ShouldContain("\"code\":\"INVALID\"");
        answer.ShouldNotContain("Holdfast.");
        status.ShouldBe(HttpStatusCode.BadRequest);
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/x-www-form-urlencoded")]
    public async Task Post_ABodyOfAnotherType_IsRefused(string type)
    {
        await using var host = await StartAsync();
        var (status, answer) = await host.PostAsync("/api/v1/things", "{\"id\":7}", type);
        answer.ShouldContain("Content-Type: application/json");
        status.ShouldBe(HttpStatusCode.BadRequest);
    }

    [Theory]
    [Holdfast.Testing.Promise("P10")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Post_TooLargeABody_IsRefused(bool chunked)
    {
        await using var host = await StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/things");
        request.Content = new StringContent("{\"id\":7,\"note\":\"" + new string('x', AdminBody.MaxBytes) + "\"}", null, "application/json");
        request.Headers.TransferEncodingChunked = chunked;
        using var response = await host.Client.SendAsync(request);
        response.StatusCode.ShouldBe(HttpStatusCode.RequestEntityTooLarge);
        (await response.Content.ReadAsStringAsync()).ShouldContain("larger than 65536 bytes");
    }

    [Fact]
    public async Task Post_TheLargestBody_IsRead()
    {
        await using var host = await StartAsync();
        var body = "{\"id\":7,\"note\":\"";
        body += new string('x', AdminBody.MaxBytes - body.Length - 2) + "\"}";
        body.Length.ShouldBe(AdminBody.MaxBytes);
        (await host.PostAsync("/api/v1/things", body)).Status.ShouldBe(HttpStatusCode.OK);
    }

    private static Task<AdminHost> StartAsync() => AdminHost.StartAsync(static table => table.Map(
        "POST", "/api/v1/things", static async request => await request.AnswerAsync(await request.ReadJsonAsync<Thing>())));

    private enum Kind
    {
        Scheduled,
        OnDemand,
    }

    private sealed record Thing(int Id, Kind Kind = Kind.Scheduled, string? Note = null);
}
