using System.Net;
using System.Text;
using System.Text.Json;
using Holdfast.Oci;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Protocol;

/// <summary>Who may do what, on the real protocol: refusals are of the right kind, and tell nothing about what exists.</summary>
public sealed class AccessTests(AccessFixture access) : IClassFixture<AccessFixture>
{
    private static readonly byte[] Secret = Samples.Bytes(77, 700);

    private async Task<Digest> PushSecretAsync()
    {
        var digest = Samples.DigestOf(Secret);
        using var blob = await access.SendAsync("alice", HttpMethod.Post, $"/v2/team/app/blobs/uploads/?digest={digest}", Secret);
        blob.StatusCode.ShouldBe(HttpStatusCode.Created);
        using var manifest = await access.SendAsync(
            "alice", HttpMethod.Put, "/v2/team/app/manifests/v1", Samples.Image(Secret), MediaTypes.OciManifest);
        manifest.StatusCode.ShouldBe(HttpStatusCode.Created);
        return digest;
    }

    [Theory, Spec("1.1.1", "code-11")]
    [InlineData("GET", "/v2/")]
    [InlineData("GET", "/v2/_catalog")]
    [InlineData("GET", "/v2/team/app/manifests/v1")]
    [InlineData("GET", "/v2/nowhere/manifests/v1")]
    [InlineData("POST", "/v2/team/app/blobs/uploads/")]
    [InlineData("DELETE", "/v2/team/app/manifests/v1")]
    [InlineData("GET", "/v2/UPPER/manifests/v1")]
    public async Task Anonymous_Everywhere_Gets401AndTheChallenge(string method, string path)
    {
        using var response = await access.SendAsync(null, new HttpMethod(method), path);
        response.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        response.Headers.WwwAuthenticate.ToString().ShouldBe("Basic realm=\"holdfast\"");
        (await response.ErrorAsync()).Code.ShouldBe("UNAUTHORIZED");
    }

    [Fact]
    public async Task WrongPassword_Gets401()
    {
        var header = "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes("alice:wrong"));
        using var response = await access.Registry.GetAsync("/v2/", ("Authorization", header));
        response.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact, Spec("1.1.1", "code-12")]
    public async Task UserWithoutTheRight_Gets403AndNothingIsStored()
    {
        var digest = await PushSecretAsync();
        var before = access.Registry.StoredFiles();
        foreach (var (user, method, path) in new[]
        {
            ("bob", "POST", "/v2/team/app/blobs/uploads/"), ("bob", "PUT", "/v2/team/app/manifests/v2"), ("bob", "DELETE", "/v2/team/app/manifests/v1"),
            ("bob", "DELETE", $"/v2/team/app/blobs/{digest}"), ("dave", "GET", "/v2/team/app/manifests/v1"),
            ("carol", "POST", "/v2/team/app/blobs/uploads/?mount=" + digest + "&from=team/app"), ("carol", "GET", "/v2/team/app/tags/list"),
        })
        {
            using var response = await access.SendAsync(user, new HttpMethod(method), path, method is "PUT" ? Samples.Image(Secret) : null);
            response.StatusCode.ShouldBe(HttpStatusCode.Forbidden, $"{user} {method} {path}");
            (await response.ErrorAsync()).Code.ShouldBe("DENIED");
        }
        access.Registry.StoredFiles().ShouldBe(before);
        using var pulled = await access.SendAsync("bob", HttpMethod.Get, $"/v2/team/app/blobs/{digest}");
        (await pulled.Content.ReadAsByteArrayAsync()).ShouldBe(Secret);
    }

    [Fact]
    public async Task UnreadableRepository_AnswersAsIfItDidNotExist()
    {
        var digest = await PushSecretAsync();
        foreach (var place in new[] { "manifests/v1", $"blobs/{digest}", "tags/list", $"referrers/{digest}" })
        {
            using var existing = await access.SendAsync("carol", HttpMethod.Get, $"/v2/team/app/{place}");
            using var absent = await access.SendAsync("carol", HttpMethod.Get, $"/v2/team/none/{place}");
            existing.StatusCode.ShouldBe(absent.StatusCode);
            Strip(await existing.Content.ReadAsStringAsync()).ShouldBe(Strip(await absent.Content.ReadAsStringAsync()));
        }
    }

    [Theory, Spec("1.1.1", "end-11")]
    [InlineData("&from=team/app")]
    [InlineData("")]
    public async Task Mount_OfABlobThatTheCallerMayNotRead_IsAnUploadLikeThatOfABlobNobodyHas(string from)
    {
        var digest = await PushSecretAsync();
        var nobodys = Samples.DigestOf([9, 9, 9]);
        using var refused = await access.SendAsync("carol", HttpMethod.Post, $"/v2/carol/x/blobs/uploads/?mount={digest}{from}");
        using var absent = await access.SendAsync("carol", HttpMethod.Post, $"/v2/carol/x/blobs/uploads/?mount={nobodys}{from}");
        refused.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        absent.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        refused.Headers.Select(h => h.Key).ShouldBe(absent.Headers.Select(h => h.Key));
        using var head = await access.SendAsync("carol", HttpMethod.Head, $"/v2/carol/x/blobs/{digest}");
        head.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        using var manifest = await access.SendAsync(
            "carol", HttpMethod.Put, "/v2/carol/x/manifests/v1", Samples.Image(Secret), MediaTypes.OciManifest);
        manifest.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task Catalog_ListsOnlyWhatTheCallerMayPull()
    {
        await PushSecretAsync();
        (await NamesAsync("alice")).ShouldContain("team/app");
        (await NamesAsync("bob")).ShouldBe(["team/app"]);
        (await NamesAsync("carol")).ShouldBeEmpty();
    }

    [Fact]
    public async Task Session_OfAnotherUser_CannotBeUsedFromARepositoryOfOnesOwn()
    {
        using var opened = await access.SendAsync("alice", HttpMethod.Post, "/v2/team/app/blobs/uploads/");
        var id = opened.Headers.Location!.ToString().Split('/')[^1];
        using var response = await access.SendAsync("carol", HttpMethod.Patch, $"/v2/carol/x/blobs/uploads/{id}", [1, 2, 3]);
        response.StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Bearer_TokenFromTheEndpoint_GrantsWhatItSaysAndNoMore()
    {
        await PushSecretAsync();
        var address = access.Registry.Address;
        var bearer = new UriBuilder(address) { Port = BearerPort }.Uri;
        using var challenge = await access.Registry.Http.GetAsync(new Uri(bearer, "/v2/team/app/manifests/v1"));
        challenge.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        challenge.Headers.WwwAuthenticate.ToString().ShouldContain("scope=\"repository:team/app:pull\"");

        var token = await TokenAsync(bearer, "alice", "repository:one:pull,push");
        (await SendAsync(bearer, token, HttpMethod.Post, "/v2/one/blobs/uploads/")).ShouldBe(HttpStatusCode.Accepted);
        (await SendAsync(bearer, token, HttpMethod.Post, "/v2/two/blobs/uploads/")).ShouldBe(HttpStatusCode.Unauthorized);
        (await SendAsync(bearer, token, HttpMethod.Delete, "/v2/one/manifests/x")).ShouldBe(HttpStatusCode.Unauthorized);
        (await SendAsync(address, token, HttpMethod.Get, "/v2/")).ShouldBe(HttpStatusCode.Unauthorized);
        (await SendAsync(bearer, token[..^3] + "abc", HttpMethod.Get, "/v2/")).ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task Bearer_UnsignedToken_IsRefused()
    {
        var bearer = new UriBuilder(access.Registry.Address) { Port = BearerPort }.Uri;
        var token = await TokenAsync(bearer, "alice", "repository:one:pull,push");
        var head = Convert.ToBase64String("{\"alg\":\"none\",\"typ\":\"JWT\"}"u8).TrimEnd('=');
        (await SendAsync(bearer, $"{head}.{token.Split('.')[1]}.", HttpMethod.Get, "/v2/")).ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact, Spec("1.1.1", "end-11")]
    public async Task Bearer_MountFromARepositoryThatTheTokenDoesNotName_AsksForATokenThatDoes()
    {
        var digest = await PushSecretAsync();
        var bearer = new UriBuilder(access.Registry.Address) { Port = BearerPort }.Uri;
        using (var pushed = await SendForAsync(bearer, await TokenAsync(bearer, "alice", "repository:src:pull,push"), $"/v2/src/blobs/uploads/?digest={digest}", Secret))
            pushed.StatusCode.ShouldBe(HttpStatusCode.Created);
        var mount = $"/v2/dst/blobs/uploads/?mount={digest}&from=src";

        using (var refused = await SendForAsync(bearer, await TokenAsync(bearer, "alice", "repository:dst:pull,push"), mount))
        {
            refused.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
            refused.Headers.WwwAuthenticate.ToString().ShouldContain("scope=\"repository:dst:pull,push repository:src:pull\"");
        }
        using var mounted = await SendForAsync(bearer, await TokenAsync(bearer, "alice", "repository:dst:pull,push repository:src:pull"), mount);
        mounted.StatusCode.ShouldBe(HttpStatusCode.Created);
        using var hidden = await SendForAsync(
            bearer, await TokenAsync(bearer, "carol", "repository:carol/x:pull,push"), $"/v2/carol/x/blobs/uploads/?mount={digest}&from=src");
        hidden.StatusCode.ShouldBe(HttpStatusCode.Accepted);
    }

    private int BearerPort => access.Registry.Addresses[1].Port;

    private async Task<string> TokenAsync(Uri bearer, string user, string scope)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, new Uri(bearer, $"/token?service=bearer&scope={scope}"));
        request.Headers.TryAddWithoutValidation("Authorization", AccessFixture.Basic(user));
        using var response = await access.Registry.Http.SendAsync(request);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        return (await response.JsonAsync()).GetProperty("token").GetString()!;
    }

    private Task<HttpResponseMessage> SendForAsync(Uri server, string token, string path, byte[]? body = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri(server, path)) { Content = body is null ? null : new ByteArrayContent(body) };
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {token}");
        return access.Registry.Http.SendAsync(request);
    }

    private async Task<HttpStatusCode> SendAsync(Uri server, string token, HttpMethod method, string path)
    {
        var request = new HttpRequestMessage(method, new Uri(server, path));
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {token}");
        using var response = await access.Registry.Http.SendAsync(request);
        return response.StatusCode;
    }

    private async Task<string[]> NamesAsync(string user)
    {
        using var response = await access.SendAsync(user, HttpMethod.Get, "/v2/_catalog");
        return [.. (await response.JsonAsync()).GetProperty("repositories").EnumerateArray().Select(n => n.GetString()!)];
    }

    private static string Strip(string error)
    {
        using var json = JsonDocument.Parse(error);
        return error.Replace(json.RootElement.GetProperty("errors")[0].GetProperty("detail").GetProperty("requestId").GetString()!, "", StringComparison.Ordinal);
    }
}
