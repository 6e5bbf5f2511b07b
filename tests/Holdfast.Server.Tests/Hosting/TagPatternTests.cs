using System.Text.RegularExpressions;
using FsCheck;
using FsCheck.Fluent;
using Holdfast.Server.Http;
using Holdfast.Server.Retention;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Hosting;

public sealed class TagPatternTests
{
    [Theory]
    [InlineData("latest", "latest", true)]
    [InlineData("latest", "latest2", false)]
    [InlineData("latest", "Latest", false)]
    [InlineData("v*", "v", true)]
    [InlineData("v*", "v1.2", true)]
    [InlineData("v*", "dev1", false)]
    [InlineData("*-rc", "1-rc", true)]
    [InlineData("*-rc", "1-rc2", false)]
    [InlineData("v?", "v", false)]
    [InlineData("v?", "v1", true)]
    [InlineData("v?", "v12", false)]
    [InlineData("v1.2", "v1x2", false)]
    [InlineData("*a*b*", "xxaxxbxx", true)]
    [InlineData("*a*b*", "ba", false)]
    [InlineData("*?", "", false)]
    [InlineData("2026-??-??", "2026-01-31", true)]
    public void Matches_Tag_AsDocumented(string text, string tag, bool expected) => Parse(text).Matches(tag).ShouldBe(expected);

    [Fact]
    public void Matches_AnyPatternAndTag_AgreesWithTheRegularExpression()
    {
        var patterns = Gen.Elements("a", "b", ".", "*", "?").NonEmptyListOf().Select(string.Concat).Where(t => TagPattern.TryParse(t, out _, out _));
        var tags = Gen.Elements("a", "b", ".").ListOf().Select(string.Concat);
        var cases = (from pattern in patterns from tag in tags select (pattern, tag)).ToArbitrary();
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(20_000).WithEndSize(12), Prop.ForAll(cases, c =>
        {
            var oracle = @"\A" + Regex.Escape(c.pattern).Replace(@"\*", ".*", StringComparison.Ordinal).Replace(@"\?", ".", StringComparison.Ordinal) + @"\z";
            return Parse(c.pattern).Matches(c.tag) == Regex.IsMatch(c.tag, oracle, RegexOptions.NonBacktracking);
        }));
    }

    [Theory]
    [InlineData("", "the pattern is empty; * stands for every tag")]
    [InlineData(".x", "no tag begins with '.'")]
    [InlineData("-*", "no tag begins with '-'")]
    [InlineData("a/b", "no tag has '/' in it; use a-z, A-Z, 0-9, . _ - and * ?")]
    [InlineData("v*\n", "no tag has a control character in it; use a-z, A-Z, 0-9, . _ - and * ?")]
    [InlineData("[a]", "no tag has '[' in it; use a-z, A-Z, 0-9, . _ - and * ?")]
    public void TryParse_PatternThatNoTagFits_SaysWhy(string text, string expected)
    {
        TagPattern.TryParse(text, out _, out var problem).ShouldBeFalse();
        problem.ShouldBe(expected);
    }

    [Theory]
    [InlineData(128, 2, true)]
    [InlineData(129, 0, false)]
    [InlineData(0, 257, true)]
    [InlineData(0, 258, false)]
    public void TryParse_Length_IsWhatATagCanHave(int letters, int stars, bool expected) =>
        TagPattern.TryParse(new string('?', letters) + new string('*', stars), out _, out _).ShouldBe(expected);

    [Theory]
    [InlineData("*", true)]
    [InlineData("**", true)]
    [InlineData("?*", true)]
    [InlineData("?", false)]
    [InlineData("??*", false)]
    [InlineData("v*", false)]
    public void IsEverything_Pattern_IfEveryTagFits(string text, bool expected) => Parse(text).IsEverything.ShouldBe(expected);

    [Fact]
    [Promise("P10")]
    public void Matches_PatternMadeToBacktrack_EndsAtOnce()
    {
        var pattern = Parse(string.Concat(Enumerable.Repeat("*a", 100)) + "*b");
        // Exponential in the number of stars if each is tried with each: it would not end within the lifetime of the test.
        pattern.Matches(new string('a', 128)).ShouldBeFalse();
        Parse(string.Concat(Enumerable.Repeat("*a", 100))).Matches(new string('a', 128)).ShouldBeTrue();
    }

    private static TagPattern Parse(string text) => TagPattern.TryParse(text, out var pattern, out var problem) ? pattern : throw new FormatException(problem);
}
