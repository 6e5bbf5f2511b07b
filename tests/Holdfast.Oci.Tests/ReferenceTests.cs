using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Oci.Tests;

public class ReferenceTests
{
    [Fact]
    [Spec("1.1.1", "Pulling manifests")]
    public void TryParse_Digest_IsADigestOnly()
    {
        Reference.TryParse(Bodies.LayerDigest, out var reference).ShouldBeTrue();

        reference.IsDigest.ShouldBeTrue();
        reference.Digest.ToString().ShouldBe(Bodies.LayerDigest);
        reference.Tag.IsNone.ShouldBeTrue();
        reference.ToString().ShouldBe(Bodies.LayerDigest);
    }

    [Theory]
    [InlineData("latest")]
    [InlineData("sha256-6c3c624b58dbbcd3c0dd82b4c53f04194d1247c6eebdaab7c610cf7d66709b3b")]
    [InlineData("6c3c624b58dbbcd3c0dd82b4c53f04194d1247c6eebdaab7c610cf7d66709b3b")]
    [Spec("1.1.1", "Pulling manifests")]
    public void TryParse_Tag_IsATagOnly(string text)
    {
        Reference.TryParse(text, out var reference).ShouldBeTrue();

        reference.IsDigest.ShouldBeFalse();
        reference.Tag.ToString().ShouldBe(text);
        reference.Digest.IsNone.ShouldBeTrue();
    }

    [Theory]
    [InlineData("")]
    [InlineData("sha256:abc")]
    [InlineData("latest\n")]
    [InlineData("a:b")]
    [InlineData(Bodies.LayerDigest + "\n")]
    [InlineData("..")]
    public void TryParse_NeitherDigestNorTag_IsRefused(string text) => Reference.TryParse(text, out _).ShouldBeFalse();
}
