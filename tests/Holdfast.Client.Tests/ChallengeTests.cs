using FsCheck;
using FsCheck.Fluent;
using Shouldly;
using Xunit;

namespace Holdfast.Client.Tests;

public class ChallengeTests
{
    [Fact]
    public void Parse_OfDockersChallenge_FindsItsParameters()
    {
        var challenge = Challenge.Parse(["""Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull,push" """]).ShouldHaveSingleItem();

        challenge.Is("bearer").ShouldBeTrue();
        challenge["REALM"].ShouldBe("https://auth.example/token");
        challenge["service"].ShouldBe("registry.example");
        challenge["scope"].ShouldBe("repository:a/b:pull,push");
        challenge["error"].ShouldBeNull();
    }

    [Fact]
    public void Parse_OfSeveralInOneHeader_FindsAll() =>
        Challenge.Parse(["""Negotiate, Digest abc==, Basic realm="a, b=\"c\"" , Bearer realm=x , service = "y" """, "Other"])
            .Select(c => $"{c.Scheme}|{c["realm"]}|{c["service"]}")
            .ShouldBe(["Negotiate||", "Digest||", "Basic|a, b=\"c\"|", "Bearer|x|y", "Other||"]);

    [Theory]
    [InlineData("")]
    [InlineData("\"")]
    [InlineData("=")]
    [InlineData("Bearer realm=")]
    [InlineData("Bearer realm=\"unfinished")]
    [InlineData("Bearer realm=\"ends with \\")]
    [InlineData("Bearer =,=,\"\"")]
    [InlineData(",,,")]
    public void Parse_OfGarbage_Ends(string header) => Challenge.Parse([header]).Count.ShouldBeLessThan(2);

    [Fact]
    public void Parse_OfAnything_EndsAndInventsNothing() =>
        Prop.ForAll<string>(text => Challenge.Parse([text ?? ""]).All(c => c.Scheme.Length > 0 && text!.Contains(c.Scheme))).QuickCheckThrowOnFailure();

    [Fact]
    public void Parse_OfAnyQuotedRealm_GivesItBack() =>
        Prop.ForAll<NonNull<string>>(text =>
        {
            var quoted = text.Get.Replace("\\", "\\\\").Replace("\"", "\\\"");
            return Challenge.Parse([$"Bearer realm=\"{quoted}\", service=s"]) is [var challenge] && challenge["realm"] == text.Get && challenge["service"] == "s";
        }).QuickCheckThrowOnFailure();
}
