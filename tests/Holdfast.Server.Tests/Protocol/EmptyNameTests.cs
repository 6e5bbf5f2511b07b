using System.Net;
using Holdfast.Oci;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Protocol;

/// <summary>A path whose repository name is empty. It names no repository, so no rule speaks of it, and it must reach no handler.</summary>
public sealed class EmptyNameTests(AccessFixture access) : IClassFixture<AccessFixture>
{
    private static readonly byte[] Content = Samples.Bytes(4711, 100);
    private static readonly string Digest = Samples.DigestOf(Content).ToString();

    [Theory]
    [InlineData("POST", "/v2//blobs/uploads/")]
    [InlineData("POST", "/v2//blobs/uploads")]
    [InlineData("GET", "/v2//tags/list")]
    [InlineData("GET", "/v2//manifests/latest")]
    [InlineData("PUT", "/v2//manifests/latest")]
    [InlineData("DELETE", "/v2//manifests/latest")]
    public async Task EmptyName_OfACallerWhoMayDoNothing_IsRefusedAsAName(string method, string path)
    {
        using var response = await access.SendAsync("dave", new HttpMethod(method), path, method is "GET" or "DELETE" ? null : Content);
        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await response.ErrorAsync()).Code.ShouldBe("NAME_INVALID");
    }

    [Fact]
    public async Task EmptyName_PushedWithAnAnonymousToken_StoresNothingAndLeavesTheCatalogue()
    {
        var address = access.Registry.Addresses[1];
        using var http = new HttpClient();
        using var answer = await http.GetAsync(new Uri(address, "/token?service=bearer"));
        var token = (await answer.JsonAsync()).GetProperty("token").GetString();
        http.DefaultRequestHeaders.Authorization = new("Bearer", token);
        var before = access.Registry.StoredFiles();

        using var blob = await http.PostAsync(new Uri(address, $"/v2//blobs/uploads/?digest={Digest}"), new ByteArrayContent(Content));
        using var body = new ByteArrayContent(Samples.Image(Content));
        body.Headers.ContentType = new(MediaTypes.OciManifest);
        using var manifest = await http.PutAsync(new Uri(address, "/v2//manifests/v1"), body);

        blob.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        manifest.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        access.Registry.StoredFiles().ShouldBe(before);
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(address, "/v2/_catalog"));
        request.Headers.TryAddWithoutValidation("Authorization", AccessFixture.Basic("alice"));
        using var plain = new HttpClient();
        using var catalog = await plain.SendAsync(request);
        catalog.StatusCode.ShouldBe(HttpStatusCode.OK);
    }
}
