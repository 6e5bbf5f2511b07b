using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Holdfast.Server.Auth;
using Holdfast.Server.Http;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Auth;

/// <summary>What is believed of a token, and what is not.</summary>
public sealed class TokenTests : IDisposable
{
    private static readonly string Alice = AuthBench.Basic("alice", "alice-password");
    private readonly AuthBench _bench = new(AuthBench.WithTokens);

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task Authenticate_OwnToken_IsItsUserWithWhatWasAsked()
    {
        var result = await _bench.AuthenticateAsync("Bearer " + await AliceTokenAsync());
        result.Outcome.ShouldBe(AuthenticationOutcome.Accepted);
        result.Caller!.User.ShouldBe("alice");
        result.Caller.May(AuthBench.Name("app"), RegistryActions.Pull).ShouldBeTrue();
        result.Caller.May(AuthBench.Name("app"), RegistryActions.Push).ShouldBeFalse();
        result.Caller.May(AuthBench.Name("other"), RegistryActions.Pull).ShouldBeFalse();
    }

    [Fact]
    public async Task Authenticate_RebuiltWithTheRightKey_IsAccepted() // Shows that the forgeries below fail for what they forge.
    {
        var (_, payload) = Split(await AliceTokenAsync());
        (await OutcomeAsync(Sign("""{"alg":"HS256","typ":"JWT"}""", payload, _bench.Signer.Key.Key)))
            .ShouldBe(AuthenticationOutcome.Accepted);
    }

    [Theory]
    [InlineData("""{"alg":"none","typ":"JWT"}""", false)]
    [InlineData("""{"alg":"none","typ":"JWT"}""", true)]
    [InlineData("""{"alg":"None"}""", false)]
    [InlineData("""{"typ":"JWT"}""", true)]
    [InlineData("""{"alg":"HS384","typ":"JWT"}""", true)]
    [InlineData("""{"alg":"RS256","typ":"JWT"}""", true)]
    [InlineData("""{"alg":"RS256","typ":"JWT","kid":"1"}""", true)]
    [InlineData("""{"alg":"dir","enc":"A256CBC-HS512"}""", true)]
    public async Task Authenticate_OtherAlgorithm_IsInvalid(string header, bool signed)
    {
        var (_, payload) = Split(await AliceTokenAsync());
        var token = signed ? Sign(header, payload, _bench.Signer.Key.Key) : $"{Encode(header)}.{Encode(payload)}.";
        (await OutcomeAsync(token)).ShouldBe(AuthenticationOutcome.InvalidToken);
    }

    [Fact]
    public async Task Authenticate_SignedWithRsaAndItsPublicKeyInside_IsInvalid()
    {
        using var rsa = RSA.Create(2048);
        var (_, payload) = Split(await AliceTokenAsync());
        var key = rsa.ExportParameters(false);
        var jwk = $$"""{"kty":"RSA","n":"{{Base64Url(key.Modulus!)}}","e":"{{Base64Url(key.Exponent!)}}"}""";
        var signed = $"{Encode($$"""{"alg":"RS256","typ":"JWT","jwk":{{jwk}}}""")}.{Encode(payload)}";
        var signature = rsa.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        (await OutcomeAsync($"{signed}.{Base64Url(signature)}")).ShouldBe(AuthenticationOutcome.InvalidToken);
    }

    [Fact]
    public async Task Authenticate_SignedWithAnotherKey_IsInvalid()
    {
        var (header, payload) = Split(await AliceTokenAsync());
        (await OutcomeAsync(Sign(header, payload, RandomNumberGenerator.GetBytes(32)))).ShouldBe(AuthenticationOutcome.InvalidToken);
        (await OutcomeAsync(Sign(header, payload, []))).ShouldBe(AuthenticationOutcome.InvalidToken);
    }

    [Fact]
    public async Task Authenticate_PayloadExchanged_IsInvalid()
    {
        var token = await AliceTokenAsync();
        var parts = token.Split('.');
        var (_, payload) = Split(token);
        var forged = $"{parts[0]}.{Encode(payload.Replace("pull", "push", StringComparison.Ordinal))}.{parts[2]}";
        (await OutcomeAsync(forged)).ShouldBe(AuthenticationOutcome.InvalidToken);
    }

    [Theory]
    [InlineData("iss", "holdfast/other")]
    [InlineData("aud", "other")]
    [InlineData("iss", null)]
    [InlineData("aud", null)]
    [InlineData("exp", null)]
    [InlineData("sub", "mallory")]
    public async Task Authenticate_OtherClaim_IsInvalidThoughSigned(string claim, string? value)
    {
        var (header, payload) = Split(await AliceTokenAsync());
        var json = JsonNode.Parse(payload)!.AsObject();
        json.Remove(claim);
        if (value is not null)
            json[claim] = value;
        (await OutcomeAsync(Sign(header, json.ToJsonString(), _bench.Signer.Key.Key))).ShouldBe(AuthenticationOutcome.InvalidToken);
    }

    [Fact]
    public async Task Authenticate_NotYetValid_IsInvalid()
    {
        var (header, payload) = Split(await AliceTokenAsync());
        var json = JsonNode.Parse(payload)!.AsObject();
        json["nbf"] = _bench.Time.GetUtcNow().AddMinutes(1).ToUnixTimeSeconds();
        (await OutcomeAsync(Sign(header, json.ToJsonString(), _bench.Signer.Key.Key))).ShouldBe(AuthenticationOutcome.InvalidToken);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Authenticate_Expired_IsInvalidEvenIfRemembered(bool remembered)
    {
        var token = await AliceTokenAsync();
        if (remembered)
            (await OutcomeAsync(token)).ShouldBe(AuthenticationOutcome.Accepted);
        _bench.Time.Advance(TimeSpan.FromMinutes(5) - TimeSpan.FromSeconds(1));
        if (remembered)
            (await OutcomeAsync(token)).ShouldBe(AuthenticationOutcome.Accepted);
        _bench.Time.Advance(TimeSpan.FromSeconds(1));
        (await OutcomeAsync(token)).ShouldBe(AuthenticationOutcome.InvalidToken);
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("a.b.c")]
    [InlineData("a.b.c.d.e")]
    [InlineData("e30.e30.")]
    [InlineData("bnVsbA.bnVsbA.bnVsbA")]
    public async Task Authenticate_Garbage_IsInvalid(string token) =>
        (await OutcomeAsync(token)).ShouldBe(AuthenticationOutcome.InvalidToken);

    [Theory]
    [InlineData(16 << 10)]
    [InlineData(1 << 20)]
    public async Task Authenticate_Huge_IsRefused(int length)
    {
        var header = "Bearer " + new string('a', length / 2) + "." + new string('b', length / 2) + ".c";
        (await _bench.AuthenticateAsync(header)).Outcome.ShouldNotBe(AuthenticationOutcome.Accepted);
    }

    [Fact]
    public async Task Authenticate_TokenOfAnotherRegistryWithTheSameKeyAndService_IsInvalid()
    {
        using var other = new AuthBench(o => o with { Token = new TokenOptions { Service = "private" } }, "other", _bench.Signer);
        var token = await other.TokenAsync(Alice, "repository:app:pull");
        (await other.AuthenticateAsync("Bearer " + token)).Outcome.ShouldBe(AuthenticationOutcome.Accepted);
        (await OutcomeAsync(token)).ShouldBe(AuthenticationOutcome.InvalidToken);
    }

    [Fact]
    public async Task Authenticate_UserRemoved_EndsHisTokens()
    {
        var token = await AliceTokenAsync();
        (await OutcomeAsync(token)).ShouldBe(AuthenticationOutcome.Accepted);
        _bench.WriteUsers(("bob", "bob-password"));
        _bench.Time.Advance(TimeSpan.FromSeconds(1));
        (await OutcomeAsync(token)).ShouldBe(AuthenticationOutcome.InvalidToken);
    }

    [Fact]
    public async Task Authenticate_RulesNarrowedSince_GrantsOnlyWhatIsAllowedNow()
    {
        var token = await _bench.TokenAsync(Alice, "repository:app:pull,push");
        using var later = new AuthBench(
            o => AuthBench.WithTokens(o) with { Access = [new AccessRule(["alice"], ["**"], RegistryActions.Pull)] }, signer: _bench.Signer);
        var caller = (await later.AuthenticateAsync("Bearer " + token)).Caller.ShouldNotBeNull();
        caller.May(AuthBench.Name("app"), RegistryActions.Pull).ShouldBeTrue();
        caller.May(AuthBench.Name("app"), RegistryActions.Push).ShouldBeFalse();
    }

    [Fact]
    public async Task Admit_InvalidToken_SaysSoInTheChallenge()
    {
        var admission = await _bench.AdmitAsync("Bearer a.b.c", "/v2/app/manifests/v1", RegistryActions.Pull);
        admission.Outcome.ShouldBe(AdmissionOutcome.Unauthorized);
        admission.Challenge.ShouldNotBeNull().ShouldEndWith(",scope=\"repository:app:pull\",error=\"invalid_token\"");
    }

    [Fact, Promise("P10")]
    public async Task Authenticate_FloodOfTokens_LeavesPasswordsRemembered()
    {
        var first = (await _bench.AuthenticateAsync(Alice)).Caller;
        for (var i = 0; i < 17_000; i++)
            (await OutcomeAsync(_bench.Authenticator.Tokens!.Issue(null, new TokenScope(), _bench.Time.GetUtcNow()))).ShouldBe(AuthenticationOutcome.Accepted);
        (await _bench.AuthenticateAsync(Alice)).Caller.ShouldBeSameAs(first);
    }

    [Fact]
    public void LoadOrCreate_Key_IsKeptForItsOwnerOnly()
    {
        var folder = Directory.CreateTempSubdirectory("holdfast-key-");
        var path = Path.Combine(folder.FullName, "token.key");
        var made = TokenSigner.LoadOrCreate(path);
        File.GetUnixFileMode(path).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        TokenSigner.LoadOrCreate(path).Key.Key.ShouldBe(made.Key.Key);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.GroupRead);
        Should.Throw<InvalidDataException>(() => TokenSigner.LoadOrCreate(path)).Message.ShouldContain("chmod 600");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.WriteAllBytes(path, new byte[31]);
        Should.Throw<InvalidDataException>(() => TokenSigner.LoadOrCreate(path)).Message.ShouldContain("32 bytes");
        folder.Delete(recursive: true);
    }

    private Task<string> AliceTokenAsync() => _bench.TokenAsync(Alice, "repository:app:pull");

    private async Task<AuthenticationOutcome> OutcomeAsync(string token) => (await _bench.AuthenticateAsync("Bearer " + token)).Outcome;

    private static (string Header, string Payload) Split(string token)
    {
        var parts = token.Split('.');
        return (Decode(parts[0]), Decode(parts[1]));
    }

    private static string Sign(string header, string payload, byte[] key)
    {
        var signed = $"{Encode(header)}.{Encode(payload)}";
        return $"{signed}.{Base64Url(HMACSHA256.HashData(key, Encoding.ASCII.GetBytes(signed)))}";
    }

    private static string Encode(string text) => Base64Url(Encoding.UTF8.GetBytes(text));

    private static string Decode(string part) => Encoding.UTF8.GetString(System.Buffers.Text.Base64Url.DecodeFromChars(part));

    private static string Base64Url(byte[] bytes) => System.Buffers.Text.Base64Url.EncodeToString(bytes);
}
