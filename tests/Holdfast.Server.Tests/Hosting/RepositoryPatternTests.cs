using FsCheck;
using FsCheck.Fluent;
using Holdfast.Server.Http;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Hosting;

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

    [Theory]
    [InlineData("**", "a/*", true)]
    [InlineData("**", "**", true)]
    [InlineData("team/**", "team/*", true)]
    [InlineData("team/**", "team/x", true)]
    [InlineData("team/*", "team/**", false)]
    [InlineData("team/*", "team/x/y", false)]
    [InlineData("*", "a*", true)]
    [InlineData("*", "**", false)]
    [InlineData("a*", "*", false)]
    [InlineData("a*b", "a*x*b", true)]
    [InlineData("**/b", "a/**/b", true)]
    [InlineData("team/x", "team/*", false)]
    public void Covers_OtherPattern_IfItMatchesAllThatTheOtherDoes(string text, string other, bool expected) =>
        Parse(text).Covers(Parse(other)).ShouldBe(expected);

    /// <summary>A yes is never wrong: no name may match the covered pattern and not the covering one.</summary>
    [Fact]
    public void Covers_AnyTwoPatterns_NoNameFitsTheCoveredAlone()
    {
        var parts = Gen.Elements("a", "b", "*", "a*", "*b", "**");
        var patterns = parts.NonEmptyListOf().Where(p => p.Count <= 4).Select(p => string.Join('/', p));
        var names = Gen.Elements("a", "b", "ab", "aab", "z").NonEmptyListOf().Select(p => string.Join('/', p));
        var cases = (from one in patterns from other in patterns from name in names select (one, other, name)).ToArbitrary();
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(20_000), Prop.ForAll(cases, c =>
            !Parse(c.one).Covers(Parse(c.other)) || !Parse(c.other).Matches(c.name) || Parse(c.one).Matches(c.name)));
    }

    private static RepositoryPattern Parse(string text) =>
        RepositoryPattern.TryParse(text, out var pattern, out var problem) ? pattern : throw new FormatException(problem);
}
