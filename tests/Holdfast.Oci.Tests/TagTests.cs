using System.Text.RegularExpressions;
using FsCheck;
using FsCheck.Fluent;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Oci.Tests;

public partial class TagTests
{
    [GeneratedRegex(@"\A[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex Oracle();

    private static readonly Gen<string> AlmostTags =
        from parts in Gen.Elements("a", "Z", "0", "_", ".", "-", "v1.2.3", new string('x', 60), "\n", "/", ":", "+", "é", " ", "\0").ListOf()
        select string.Concat(parts);

    [Fact]
    [Spec("1.1.1", "Pulling manifests")]
    public void TryParse_AnyText_AgreesWithTheSpecificationsExpression() =>
        Prop.ForAll(Arb.From(AlmostTags), text =>
        {
            var expected = Oracle().IsMatch(text);

            Tag.TryParse(text, out var tag).ShouldBe(expected);
            Tag.TryParse(text.AsSpan(), out var fromSpan).ShouldBe(expected);

            tag.ShouldBe(fromSpan);
            tag.ToString().ShouldBe(expected ? text : "");
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(20_000));

    [Theory]
    [InlineData("latest", true)]
    [InlineData("_", true)]
    [InlineData("v1.0-rc.1_x", true)]
    [InlineData("sha256-abc.sig", true)]
    [InlineData("", false)]
    [InlineData(".hidden", false)]
    [InlineData("-x", false)]
    [InlineData("latest\n", false)]
    [InlineData("a/b", false)]
    [InlineData("a:b", false)]
    [InlineData("a+b", false)]
    [InlineData("é", false)]
    public void TryParse_Text_IsATagOrNot(string text, bool expected) => Tag.TryParse(text, out _).ShouldBe(expected);

    [Theory]
    [InlineData(128, true)]
    [InlineData(129, false)]
    public void TryParse_Length_IsAtMost128(int length, bool expected) => Tag.TryParse(new string('a', length), out _).ShouldBe(expected);

    [Fact]
    [Spec("1.1.1", "Listing Tags")]
    public void CompareTo_Tags_IsByAsciiCode()
    {
        string[] ordered = ["0", "1.10", "1.9", "A", "Z", "_", "a", "a-", "a.", "b"];

        ordered.Reverse().Select(Tag.Parse).Order().Select(tag => tag.ToString()).ShouldBe(ordered);
    }
}
