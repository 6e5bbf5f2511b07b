using System.Text;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Oci.Tests;

public class ManifestParserTests
{
    [Fact]
    [Spec("1.1.1", "Pushing Manifests")]
    public void TryParse_ImageManifest_HasConfigAndLayers()
    {
        var manifest = Bodies.Parse(Bodies.Image, MediaTypes.OciManifest);

        manifest.MediaType.ShouldBe(MediaTypes.OciManifest);
        manifest.Config.ShouldBe(new Descriptor("application/vnd.oci.image.config.v1+json", Digest.Parse(Bodies.ConfigDigest), 2));
        manifest.Layers.ShouldBe([new Descriptor("application/vnd.oci.image.layer.v1.tar+gzip", Digest.Parse(Bodies.LayerDigest), 32654)]);
        manifest.NonDistributableLayers.ShouldBeEmpty();
        manifest.Children.ShouldBeEmpty();
        manifest.Subject.ShouldBeNull();
        manifest.AnnotationsJson.ShouldBeNull();
    }

    [Fact]
    [Spec("1.1.1", "Pushing Manifests")]
    public void TryParse_Index_HasChildrenAttestationsIncluded()
    {
        var manifest = Bodies.Parse(Bodies.Index, MediaTypes.OciIndex);

        manifest.Config.ShouldBeNull();
        manifest.ArtifactType.ShouldBeNull();
        manifest.Children.Select(child => (child.Digest.ToString(), child.SizeBytes))
            .ShouldBe([(Bodies.LayerDigest, 7143L), (Bodies.OtherDigest, 566L)]);
    }

    [Fact]
    public void TryParse_DockerManifestWithForeignLayer_SeparatesIt()
    {
        var manifest = Bodies.Parse(Bodies.DockerImage, MediaTypes.DockerManifest);

        manifest.Layers.Select(layer => layer.Digest.ToString()).ShouldBe([Bodies.LayerDigest]);
        manifest.NonDistributableLayers.Select(layer => layer.Digest.ToString()).ShouldBe([Bodies.OtherDigest]);
    }

    [Fact]
    public void TryParse_OciNonDistributableLayers_AreSoft()
    {
        var body = Bodies.Image.Replace("image.layer.v1.tar+gzip", "image.layer.nondistributable.v1.tar+gzip", StringComparison.Ordinal);

        var manifest = Bodies.Parse(body);

        manifest.Layers.ShouldBeEmpty();
        manifest.NonDistributableLayers.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData(Bodies.Image, null, MediaTypes.OciManifest)]
    [InlineData(Bodies.Image, "", MediaTypes.OciManifest)]
    [InlineData(Bodies.Image, MediaTypes.OciManifest + "; charset=utf-8", MediaTypes.OciManifest)]
    [InlineData(Bodies.Image, "Application/VND.OCI.Image.Manifest.v1+JSON", MediaTypes.OciManifest)]
    [InlineData(Bodies.Index, null, MediaTypes.OciIndex)]
    [InlineData(Bodies.DockerImage, null, MediaTypes.DockerManifest)]
    [InlineData(Bodies.DockerList, MediaTypes.DockerManifestList, MediaTypes.DockerManifestList)]
    [InlineData($$"""{"schemaVersion":2,"config":{{Bodies.Config}},"layers":[]}""", null, MediaTypes.OciManifest)]
    [InlineData($$"""{"schemaVersion":2,"config":{{Bodies.Config}},"layers":[]}""", MediaTypes.DockerManifest, MediaTypes.DockerManifest)]
    [InlineData("""{"schemaVersion":2,"manifests":[]}""", null, MediaTypes.OciIndex)]
    [Spec("1.1.1", "Pushing Manifests")]
    public void TryParse_TypeFromHeaderOrBodyOrShape_IsTheOneStated(string body, string? contentType, string expected) =>
        Bodies.Parse(body, contentType).MediaType.ShouldBe(expected);

    [Theory]
    [InlineData($$"""{"schemaVersion":2,"config":{{Bodies.Config}}}""")]
    [InlineData($$"""{"schemaVersion":2,"config":{{Bodies.Config}},"layers":null}""")]
    [InlineData($$"""{"schemaVersion":2,"config":{{Bodies.Config}},"layers":[],"manifests":null,"subject":null,"annotations":null}""")]
    [Spec("1.1.1", "Pushing Manifests")]
    public void TryParse_NoLayers_IsAnImageWithoutLayers(string body) => Bodies.Parse(body, MediaTypes.OciManifest).Layers.ShouldBeEmpty();

    [Theory]
    [InlineData("""{"schemaVersion":2,"manifests":[]}""")]
    [InlineData($$"""{"schemaVersion":2,"manifests":[],"subject":{{Bodies.Subject}}}""")]
    public void TryParse_EmptyIndex_IsAnIndex(string body) => Bodies.Parse(body, MediaTypes.OciIndex).Children.ShouldBeEmpty();

    [Fact]
    public void TryParse_IndexOfIndexes_KeepsChildrenOfAnyType()
    {
        var body = $$"""{"schemaVersion":2,"manifests":[{"mediaType":"{{MediaTypes.OciIndex}}","digest":"{{Bodies.LayerDigest}}","size":1},{"digest":"{{Bodies.OtherDigest}}","size":0},{"mediaType":"application/vnd.example","digest":"{{Bodies.ConfigDigest}}","size":9223372036854775807}]}""";

        Bodies.Parse(body).Children.Select(child => (child.MediaType, child.SizeBytes))
            .ShouldBe([(MediaTypes.OciIndex, 1L), ("", 0L), ("application/vnd.example", long.MaxValue)]);
    }

    [Fact]
    [Spec("1.1.1", "Listing Referrers")]
    public void TryParse_SubjectAndAnnotations_AreKeptAsPushed()
    {
        var annotations = """{ "org.example.b":"2", "org.example.a":"\u00e9" }""";
        var body = $$"""{"schemaVersion":2,"artifactType":"application/vnd.example.sbom","config":{{Bodies.Config}},"layers":[],"subject":{{Bodies.Subject}},"annotations":{{annotations}}}""";

        var manifest = Bodies.Parse(body);

        manifest.ArtifactType.ShouldBe("application/vnd.example.sbom");
        manifest.Subject.ShouldBe(new Descriptor(MediaTypes.OciManifest, Digest.Parse(Bodies.OtherDigest), 123));
        manifest.AnnotationsJson.ShouldBe(annotations);
    }

    [Theory]
    [InlineData("", "application/vnd.oci.image.config.v1+json")]
    [InlineData("\"artifactType\":\"\",", "application/vnd.oci.image.config.v1+json")]
    [InlineData("\"artifactType\":\"a/b\",", "a/b")]
    [Spec("1.1.1", "Listing Referrers")]
    public void TryParse_ImageArtifactType_FallsBackToTheConfigsType(string member, string expected) =>
        Bodies.Parse(Bodies.Image.Replace("\"config\"", member + "\"config\"", StringComparison.Ordinal)).ArtifactType.ShouldBe(expected);

    [Fact]
    public void TryParse_Sha512Digests_AreAccepted()
    {
        var digest = Digest.Compute(DigestAlgorithm.Sha512, "layer"u8);

        var body = Bodies.Image.Replace(Bodies.LayerDigest, digest.ToString(), StringComparison.Ordinal);

        Bodies.Parse(body).Layers[0].Digest.ShouldBe(digest);
    }

    [Fact]
    public void TryParse_UnknownMembersAndDataAndUrls_AreIgnored()
    {
        var layer = Bodies.Layer.Replace("\"size\"", "\"data\":\"e30=\",\"urls\":[\"https://example.com\"],\"x\":{\"y\":[null,1e5]},\"size\"", StringComparison.Ordinal);
        var body = Bodies.Image.Replace(Bodies.Layer, layer, StringComparison.Ordinal).Replace("{\"schema", "{\"org.example\":[{}],\"schema", StringComparison.Ordinal);

        Bodies.Parse(body).Layers.Count.ShouldBe(1);
    }

    [Fact]
    public void TryParse_TenThousandChildren_KeepsThemInOrder()
    {
        var digests = Enumerable.Range(0, 10_000).Select(i => Digest.Compute(DigestAlgorithm.Sha256, BitConverter.GetBytes(i))).ToArray();
        var children = string.Join(',', digests.Select(digest => Bodies.Child.Replace(Bodies.LayerDigest, digest.ToString(), StringComparison.Ordinal)));

        var manifest = Bodies.Parse($$"""{"schemaVersion":2,"manifests":[{{children}}]}""");

        manifest.Children.Select(child => child.Digest).ShouldBe(digests);
    }

    [Fact]
    [Spec("1.1.1", "Pushing Manifests")]
    public void TryParse_FourMebibytesOfAnnotations_AreAccepted()
    {
        var annotations = string.Join(',', Enumerable.Range(0, 390).Select(i => $"\"large-annotation-{i}\":\"{new string('A', 10_000)}\""));
        var body = Bodies.Image.Replace("\"config\"", $"\"annotations\":{{{annotations}}},\"config\"", StringComparison.Ordinal);

        Encoding.UTF8.GetByteCount(body).ShouldBeLessThan(Manifest.MaxSizeBytes);
        Bodies.Parse(body).AnnotationsJson!.Length.ShouldBe(annotations.Length + 2);
    }
}
