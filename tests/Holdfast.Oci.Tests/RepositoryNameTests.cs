using System.Text.RegularExpressions;
using FsCheck;
using FsCheck.Fluent;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Oci.Tests;

public partial class RepositoryNameTests
{
    // The specification's own expression, here as the oracle; \z, since $ would let a trailing newline through.
    [GeneratedRegex(@"\A[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex Oracle();

    // Dense in what separates right from wrong; single bytes drawn at random would hardly ever make a name.
    private static readonly Gen<string> AlmostNames =
        from parts in Gen.Elements("a", "b0", "9", "z", ".", "_", "__", "-", "--", "---", "/", "..", "___", "A", "\n", "\0", " ", "é", "%2e", ":", "@").ListOf()
        select string.Concat(parts);

    [Fact]
    [Spec("1.1.1", "Pulling manifests")]
    public void TryParse_AnyText_AgreesWithTheSpecificationsExpression() =>
        Prop.ForAll(Arb.From(AlmostNames), text =>
        {
            var expected = text.Length <= RepositoryName.MaxLength && Oracle().IsMatch(text);

            RepositoryName.TryParse(text, out var name).ShouldBe(expected);
            RepositoryName.TryParse(text.AsSpan(), out var fromSpan).ShouldBe(expected);

            name.ShouldBe(fromSpan);
            name.ToString().ShouldBe(expected ? text : "");
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(20_000));

    [Theory]
    [InlineData("a")]
    [InlineData("library/busybox")]
    [InlineData("a/b/c/d/e/f")]
    [InlineData("0")]
    [InlineData("a.b_c__d-e---f")]
    [InlineData("blobs/uploads")]
    [InlineData("v2/tags/list")]
    public void TryParse_WellFormed_IsAName(string text) => RepositoryName.Parse(text).ToString().ShouldBe(text);

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("/a")]
    [InlineData("a/")]
    [InlineData("a//b")]
    [InlineData("A")]
    [InlineData("a/B")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("a/../b")]
    [InlineData("a/./b")]
    [InlineData("a..b")]
    [InlineData("a___b")]
    [InlineData("a.-b")]
    [InlineData("a_")]
    [InlineData("-a")]
    [InlineData("a\n")]
    [InlineData("a\nb")]
    [InlineData("a\0")]
    [InlineData("a%2e")]
    [InlineData("a%2Fb")]
    [InlineData("a:b")]
    [InlineData("a@b")]
    [InlineData("a\\b")]
    [InlineData("ａ")]
    [InlineData("a١")]
    [Spec("1.1.1", "Pulling manifests")]
    public void TryParse_Malformed_IsNone(string text)
    {
        RepositoryName.TryParse(text, out var name).ShouldBeFalse();
        name.IsNone.ShouldBeTrue();
    }

    [Theory]
    [InlineData(255, true)]
    [InlineData(256, false)]
    public void TryParse_Length_IsAtMost255(int length, bool expected) =>
        RepositoryName.TryParse(new string('a', length), out _).ShouldBe(expected);

    [Fact]
    public void TryParse_Null_IsNone() => RepositoryName.TryParse(null, out _).ShouldBeFalse();

    [Fact]
    public void CompareTo_Names_IsByAsciiCode()
    {
        string[] ordered = ["a", "a-b", "a.b", "a/b", "a0", "a_b", "aa", "b"];

        ordered.Reverse().Select(RepositoryName.Parse).Order().Select(name => name.ToString()).ShouldBe(ordered);
    }
}
