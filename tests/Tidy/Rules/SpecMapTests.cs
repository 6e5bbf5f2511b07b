using Shouldly;
using Xunit;

namespace Tidy.Rules;

public class SpecMapTests
{
    [Fact]
    public void SpecMap_InDocs_IsThatOfTheseTests() =>
        File.ReadAllText(SpecMap.File).ShouldBe(SpecMap.Write(), "docs/spec-map.md is stale; './dev tidy --write' writes it anew");

    [Fact]
    public void Claims_OfTests_NameRulesThatExist() => SpecMap.UnknownClaims().ShouldBeEmpty();

    [Fact]
    public void Claims_OfTests_AreFound() =>
        SpecMap.Claims.ShouldContain(claim => claim.Attribute == "Spec" && claim.Arguments[1] == "Pushing Manifests", "no test of the manifest parser was seen");
}
