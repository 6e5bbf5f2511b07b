using System.Text;
using System.Text.Json;
using Holdfast.Server.Auth;
using Holdfast.Server.Http;
using Microsoft.AspNetCore.Http;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Auth;

public sealed class TokenHandlerTests : IDisposable
{
    private static readonly string Alice = AuthBench.Basic("alice", "alice-password");
    private static readonly string Bob = AuthBench.Basic("bob", "bob-password");

    private readonly AuthBench _bench = new(o => AuthBench.WithTokens(o) with
    {
        Anonymous = RegistryActions.None,
        Access =
        [
            new AccessRule(["alice"], ["**"], RegistryActions.All),
            new AccessRule(["bob"], ["team/*"], RegistryActions.Pull),
            new AccessRule(["anonymous"], ["public/*"], RegistryActions.Pull),
        ],
    });

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task Get_AsDockerAsks_AnswersATokenInBothNames()
    {
        var (status, body, response) = await _bench.AskTokenAsync(AuthBench.Request(
            Alice, target: "/token?account=alice&client_id=docker&offline_token=true&service=private&scope=repository%3Ateam%2Fapp%3Apull%2Cpush"));
        status.ShouldBe(200);
        body.GetProperty("access_token").GetString().ShouldBe(body.GetProperty("token").GetString());
        body.GetProperty("expires_in").GetInt32().ShouldBe(300);
        body.GetProperty("issued_at").GetString().ShouldBe("2026-03-01T12:00:00Z");
        body.TryGetProperty("refresh_token", out _).ShouldBeFalse();
        response.Headers.CacheControl.ToString().ShouldBe("no-store");
        Access(body).ShouldBe("repository:team/app:pull,push");
    }

    [Theory]
    [InlineData("repository:team/app:pull,push,delete", "repository:team/app:pull")]
    [InlineData("repository:team/app:*", "repository:team/app:pull")]
    [InlineData("repository:other:pull", "")]
    [InlineData("repository:team/app:push", "")]
    [InlineData("repository:team/a:pull repository:team/b:pull repository:x:pull", "repository:team/a:pull repository:team/b:pull")]
    [InlineData("repository(plugin):team/a:pull", "repository:team/a:pull")]
    [InlineData("repository:team/a:pull repository:team/a:push", "repository:team/a:pull")]
    [InlineData("registry:catalog:*", "registry:catalog:*")]
    [InlineData("registry:catalog:pull", "")]
    [InlineData("registry:other:*", "")]
    [InlineData("repository:Team/A:pull", "")]
    [InlineData("repository:../a:pull", "")]
    [InlineData("repository:pull", "")]
    [InlineData("::", "")]
    [InlineData("repository::pull", "")]
    [InlineData("nonsense", "")]
    [InlineData("", "")]
    public async Task Get_Scope_GrantsWhatIsAskedAndAllowed(string scope, string granted)
    {
        var (status, body, _) = await _bench.AskTokenAsync(AuthBench.Request(Bob, target: "/token?scope=" + Uri.EscapeDataString(scope)));
        status.ShouldBe(200);
        Access(body).ShouldBe(granted);
    }

    [Fact]
    public async Task Get_RepeatedScopes_AreAllRead()
    {
        var (_, body, _) = await _bench.AskTokenAsync(
            AuthBench.Request(Alice, target: "/token?scope=repository:a:pull,push&scope=repository:b:pull"));
        Access(body).ShouldBe("repository:a:pull,push repository:b:pull");
    }

    [Fact]
    public async Task Get_NoCredentials_GrantsWhatAnonymousMay()
    {
        var (status, body, _) = await _bench.AskTokenAsync(
            AuthBench.Request(target: "/token?scope=repository:public/a:pull,push&scope=repository:team/a:pull"));
        status.ShouldBe(200);
        Access(body).ShouldBe("repository:public/a:pull");
        var caller = (await _bench.AuthenticateAsync("Bearer " + body.GetProperty("token").GetString())).Caller.ShouldNotBeNull();
        caller.User.ShouldBeNull();
        caller.May(AuthBench.Name("public/a"), RegistryActions.Pull).ShouldBeTrue();
    }

    [Fact]
    public async Task Get_WrongPassword_Is401WithTheError()
    {
        var (status, body, response) = await _bench.AskTokenAsync(AuthBench.Request(AuthBench.Basic("alice", "no"), target: "/token"));
        status.ShouldBe(401);
        body.GetProperty("errors")[0].GetProperty("code").GetString().ShouldBe("UNAUTHORIZED");
        response.Headers.WWWAuthenticate.ToString().ShouldStartWith("Basic ");
    }

    [Fact]
    public async Task Get_WithATokenInsteadOfAPassword_Is401()
    {
        var token = await _bench.TokenAsync(Alice, "repository:a:pull");
        (await _bench.AskTokenAsync(AuthBench.Request("Bearer " + token, target: "/token"))).Status.ShouldBe(401);
    }

    [Fact]
    public async Task Get_ManyWrongPasswords_Is429WithRetryAfter()
    {
        for (var i = 0; i < 6; i++)
            await _bench.AskTokenAsync(AuthBench.Request(AuthBench.Basic("alice", $"no{i}"), target: "/token"));
        var (status, body, response) = await _bench.AskTokenAsync(AuthBench.Request(Alice, target: "/token"));
        status.ShouldBe(429);
        body.GetProperty("errors")[0].GetProperty("code").GetString().ShouldBe("TOOMANYREQUESTS");
        response.Headers.RetryAfter.ToString().ShouldBe("1");
        (await _bench.AskTokenAsync(AuthBench.Request(Alice, target: "/token"), AuthBench.Elsewhere)).Status.ShouldBe(200);
    }

    [Fact]
    public async Task Get_OtherService_Is400()
    {
        var (status, body, _) = await _bench.AskTokenAsync(AuthBench.Request(Alice, target: "/token?service=other"));
        status.ShouldBe(400);
        body.GetProperty("error").GetString().ShouldBe("invalid_request");
    }

    [Fact]
    [Holdfast.Testing.Promise("P10")]
    public async Task Get_TooManyOrTooLongScopes_Is400()
    {
        var many = string.Join('&', Enumerable.Range(0, 65).Select(i => $"scope=repository:a{i}:pull"));
        (await _bench.AskTokenAsync(AuthBench.Request(Alice, target: "/token?" + many))).Status.ShouldBe(400);
        (await _bench.AskTokenAsync(AuthBench.Request(Alice, target: "/token?scope=" + new string('a', 5000)))).Status.ShouldBe(400);
    }

    [Fact]
    public async Task Get_AsManyScopesAsAllowed_MakesATokenThatIsAccepted()
    {
        var name = new string('a', 40);
        var scopes = Enumerable.Range(0, 64).Select(i => $"repository:{name}{i}:*").ToArray();
        var token = await _bench.TokenAsync(Alice, scopes);
        (await _bench.AuthenticateAsync("Bearer " + token)).Caller.ShouldNotBeNull()
            .May(AuthBench.Name(name + "63"), RegistryActions.All).ShouldBeTrue();
    }

    [Fact]
    public async Task Post_PasswordGrantAsContainerdSends_AnswersAToken()
    {
        var (status, body, _) = await _bench.AskTokenAsync(Form(
            "grant_type=password&username=alice&password=alice-password&service=private&client_id=containerd-client"
            + "&scope=repository%3Aa%3Apull%2Cpush+repository%3Ab%3Apull&access_type=offline"));
        status.ShouldBe(200);
        Access(body).ShouldBe("repository:a:pull,push repository:b:pull");
    }

    [Theory]
    [InlineData("grant_type=refresh_token&refresh_token=x&service=private", 400, "unsupported_grant_type")]
    [InlineData("grant_type=client_credentials", 400, "unsupported_grant_type")]
    [InlineData("username=alice&password=alice-password", 400, "unsupported_grant_type")]
    [InlineData("", 400, "unsupported_grant_type")]
    [InlineData("grant_type=password&username=alice", 400, "invalid_request")]
    [InlineData("grant_type=password&username=alice&username=bob&password=x", 400, "invalid_request")]
    [InlineData("grant_type=password&username=alice&password=wrong", 401, null)]
    [InlineData("grant_type=password&username=alice%3Ax&password=wrong", 401, null)]
    public async Task Post_WhatIsNotUnderstoodOrWrong_IsAClearError(string form, int expected, string? error)
    {
        var (status, body, _) = await _bench.AskTokenAsync(Form(form));
        status.ShouldBe(expected);
        if (error is not null)
            body.GetProperty("error").GetString().ShouldBe(error);
    }

    [Fact]
    [Holdfast.Testing.Promise("P10")]
    public async Task Post_HugeOrOtherBody_Is400()
    {
        (await _bench.AskTokenAsync(Form("grant_type=password&x=" + new string('a', 20_000)))).Status.ShouldBe(400);
        var json = Form("{}");
        json.Request.ContentType = "application/json";
        (await _bench.AskTokenAsync(json)).Status.ShouldBe(400);
    }

    [Fact]
    public async Task Put_Is405() => (await _bench.AskTokenAsync(AuthBench.Request(Alice, "PUT", "/token"))).Status.ShouldBe(405);

    [Fact]
    public async Task Get_WhereNoTokensAreIssued_Is404()
    {
        using var basic = new AuthBench();
        (await basic.AskTokenAsync(AuthBench.Request(Alice, target: "/token"))).Status.ShouldBe(404);
    }

    private static HttpContext Form(string text)
    {
        var context = AuthBench.Request(method: "POST", target: "/token");
        context.Request.ContentType = "application/x-www-form-urlencoded";
        context.Request.Body = new MemoryStream(Encoding.UTF8.GetBytes(text));
        return context;
    }

    // The access claim, written as scopes.
    private static string Access(JsonElement body)
    {
        var payload = body.GetProperty("token").GetString()!.Split('.')[1];
        using var claims = JsonDocument.Parse(System.Buffers.Text.Base64Url.DecodeFromChars(payload));
        return string.Join(' ', claims.RootElement.GetProperty("access").EnumerateArray().Select(a =>
            $"{a.GetProperty("type")}:{a.GetProperty("name")}:{string.Join(',', a.GetProperty("actions").EnumerateArray())}"));
    }
}
