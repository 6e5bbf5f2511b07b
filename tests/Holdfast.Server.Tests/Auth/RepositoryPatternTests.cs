using Holdfast.Server.Auth;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Auth;

public class RepositoryPatternTests
{
    [Theory]
    [InlineData("**", "a", true)]
    [InlineData("**", "a/b/c", true)]
    [InlineData("*", "a", true)]
    [InlineData("*", "a/b", false)]
    [InlineData("team/*", "team/app", true)]
    [InlineData("team/*", "team/app/x", false)]
    [InlineData("team/*", "team", false)]
    [InlineData("team/**", "team/app/x", true)]
    [InlineData("team/**", "team", false)]
    [InlineData("team/**", "teams/app", false)]
    [InlineData("team/app", "team/app", true)]
    [InlineData("team/app", "team/app2", false)]
    [InlineData("team/app", "team/ap", false)]
    [InlineData("**/app", "x/y/app", true)]
    [InlineData("**/app", "app", false)]
    [InlineData("*/app", "x/y/app", false)]
    [InlineData("infra-*", "infra-ci", true)]
    [InlineData("infra-*", "infra-ci/x", false)]
    [InlineData("a*b*c", "aXbYc", true)]
    [InlineData("a*b*c", "abc", true)]
    [InlineData("a*b*c", "ab/c", false)]
    [InlineData("**/b/*", "a/b/b/c", true)]
    [InlineData("**/b/*", "a/b/b/c/d", false)]
    [InlineData("a/**/z", "a/b/c/z", true)]
    [InlineData("a/**/z", "a/z", false)]
    public void Matches_Name_AsDocumented(string text, string name, bool expected)
    {
        RepositoryPattern.TryParse(text, out var pattern, out var problem).ShouldBeTrue(problem);
        pattern!.Matches(name).ShouldBe(expected);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Team/*")]
    [InlineData("/a")]
    [InlineData("a/")]
    [InlineData("a//b")]
    [InlineData("a***")]
    [InlineData("a?")]
    [InlineData("a\n")]
    public void TryParse_PatternThatMatchesNothing_SaysWhy(string text)
    {
        RepositoryPattern.TryParse(text, out _, out var problem).ShouldBeFalse();
        problem.ShouldNotBeNullOrEmpty();
    }

    [Fact]
    [Holdfast.Testing.Promise("P10")]
    public void Matches_PatternMadeToBacktrack_EndsAtOnce()
    {
        RepositoryPattern.TryParse(string.Concat(Enumerable.Repeat("**a", 60)) + "b", out var pattern, out _).ShouldBeTrue();
        // Exponential in the number of wildcards if tried one after the other: it would not end within the lifetime of the test.
        pattern!.Matches(new string('a', 255)).ShouldBeFalse();
    }
}
