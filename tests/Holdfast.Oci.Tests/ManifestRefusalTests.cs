using System.Diagnostics;
using System.Text;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Oci.Tests;

/// <summary>What is refused, with the part of the sentence that tells the client why.</summary>
public class ManifestRefusalTests
{
    [Theory]
    [InlineData("", "empty")]
    [InlineData("   ", "not JSON")]
    [InlineData("hello", "not JSON: line 1, byte 1")]
    [InlineData("{\"schemaVersion\":2,\n\"config\":}", "not JSON: line 2, byte 10")]
    [InlineData("{\"schemaVersion\":2", "not JSON")]
    [InlineData("/* hi */" + Bodies.Image, "not JSON: line 1, byte 1")]
    [InlineData("{\"schemaVersion\":2,}", "not JSON")]
    [InlineData(Bodies.Image + "x", "follows the end")]
    [InlineData(Bodies.Image + Bodies.Image, "follows the end")]
    [InlineData("\uFEFF" + Bodies.Image, "byte order mark")]
    [InlineData("[]", "not an object")]
    [InlineData("null", "not an object")]
    [InlineData("\"sha256:\"", "not an object")]
    [Spec("1.1.1", "Pushing Manifests")]
    public void TryParse_NotOneJsonObject_IsRefused(string body, string expected) => Bodies.Refuse(body).ShouldContain(expected);

    [Fact]
    [Spec("1.1.1", "Pushing Manifests")]
    public void TryParse_InvalidUtf8_IsRefused()
    {
        var body = Encoding.UTF8.GetBytes(Bodies.Image.Replace("config.v1", "config.v#", StringComparison.Ordinal));
        body[Array.IndexOf(body, (byte)'#')] = 0xFF;

        Bodies.Refuse(body).ShouldContain("UTF-8");
    }

    [Theory]
    [InlineData("[", "]")]
    [InlineData("{\"a\":", "}")]
    public void TryParse_TenThousandLevels_IsRefusedAtOnce(string open, string close)
    {
        var nested = string.Concat(Enumerable.Repeat(open, 10_000)) + "1" + string.Concat(Enumerable.Repeat(close, 10_000));
        var body = Bodies.Image.Replace("{\"schema", $"{{\"deep\":{nested},\"schema", StringComparison.Ordinal);

        var started = Stopwatch.GetTimestamp();
        Bodies.Refuse(body).ShouldContain("nests deeper than 64 levels");

        // Reading 70 KB takes a millisecond; this is far above the noise of a busy machine and far below a quadratic reader.
        Stopwatch.GetElapsedTime(started).ShouldBeLessThan(TimeSpan.FromSeconds(2));
    }

    [Theory]
    [InlineData(63, true)]
    [InlineData(64, false)]
    public void TryParse_Depth_IsLimitedTo64LevelsTheRootIncluded(int levelsInMember, bool accepted)
    {
        var body = Bodies.Image.Replace("{\"schema", $"{{\"deep\":{new string('[', levelsInMember)}{new string(']', levelsInMember)},\"schema", StringComparison.Ordinal);

        ManifestParser.TryParse(Encoding.UTF8.GetBytes(body), null, out _, out _).ShouldBe(accepted);
    }

    [Theory]
    [InlineData("\"config\":" + Bodies.Config + ",", "'config' is there twice")]
    [InlineData("\"conf\\u0069g\":" + Bodies.Config + ",", "'config' is there twice")]
    [InlineData("\"layers\":[],", "'layers' is there twice")]
    [InlineData("\"x\":[0,{\"y\":{\"z\":1,\"z\":1}}],", "'x[1].y.z' is there twice")]
    [InlineData("\"x\":[[[{\"a\":1,\"a\":2}]]],", "'x[0][0][0].a' is there twice")]
    [InlineData("\"annotations\":{\"a\":\"1\",\"a\":\"2\"},", "'annotations.a' is there twice")]
    public void TryParse_RepeatedMember_IsRefusedWithItsPlace(string member, string expected) =>
        Bodies.Refuse(Bodies.Image.Replace("\"config\"", member + "\"config\"", StringComparison.Ordinal)).ShouldContain(expected);

    [Fact]
    public void TryParse_RepeatedMemberInADescriptor_IsRefusedWithItsPlace()
    {
        var twice = Bodies.Layer.Replace("\"size\":32654", "\"size\":32654,\"digest\":\"" + Bodies.OtherDigest + "\"", StringComparison.Ordinal);
        var body = Bodies.Image.Replace(Bodies.Layer, Bodies.Layer + "," + twice, StringComparison.Ordinal);

        Bodies.Refuse(body).ShouldContain("'layers[1].digest' is there twice");
    }

    [Fact]
    public void TryParse_RepeatInAnObjectOfManyMembers_IsRefused()
    {
        var annotations = string.Join(',', Enumerable.Range(0, 50_000).Append(7).Select(i => $"\"a{i}\":\"\""));

        Bodies.Refuse(Bodies.Image.Replace("\"config\"", $"\"annotations\":{{{annotations}}},\"config\"", StringComparison.Ordinal))
            .ShouldContain("'annotations.a7' is there twice");
    }

    [Theory]
    [InlineData("\"Layers\":[],", "'layers'")]
    [InlineData("\"SUBJECT\":1,", "'subject'")]
    [InlineData("\"layer\u017F\":[],", "'layers'")]
    [InlineData("\"mediatype\":\"a/b\",", "'mediaType'")]
    public void TryParse_MemberThatDiffersOnlyInCase_IsRefused(string member, string known) =>
        Bodies.Refuse(Bodies.Image.Replace("\"config\"", member + "\"config\"", StringComparison.Ordinal))
            .ShouldContain($"differs from {known} only in case");

    [Fact]
    public void TryParse_DescriptorMemberThatDiffersOnlyInCase_IsRefused() =>
        Bodies.Refuse(Bodies.Image.Replace("\"size\":32654", "\"size\":32654,\"Digest\":\"" + Bodies.OtherDigest + "\"", StringComparison.Ordinal))
            .ShouldContain("layers[0]: 'Digest' differs from 'digest' only in case");

    [Theory]
    [InlineData("\"config\":" + Bodies.Config)]
    [InlineData("\"layers\":[]")]
    [InlineData("\"layers\":[" + Bodies.Layer + "],\"config\":" + Bodies.Config)]
    public void TryParse_ManifestsBesideConfigOrLayers_IsRefusedAsAmbiguous(string members)
    {
        var body = $$"""{"schemaVersion":2,"manifests":[{{Bodies.Child}}],{{members}}}""";

        foreach (var contentType in new[] { null, MediaTypes.OciIndex, MediaTypes.OciManifest })
            Bodies.Refuse(body, contentType).ShouldContain("as an index and as an image manifest");
    }

    [Theory]
    [InlineData(Bodies.Image, MediaTypes.OciIndex, "must be the same")]
    [InlineData(Bodies.Image, MediaTypes.DockerManifest, "must be the same")]
    [InlineData(Bodies.Index, MediaTypes.OciManifest, "must be the same")]
    [InlineData(Bodies.Image, "application/json", "the Content-Type is 'application/json', which is no manifest type")]
    [InlineData(Bodies.Image, "application/vnd.oci.image.config.v1+json", MediaTypes.DockerManifestList)]
    [InlineData(Bodies.Image, MediaTypes.DockerSchema1, "skopeo copy --format v2s2")]
    [InlineData(Bodies.Image, MediaTypes.DockerSchema1Signed + "; charset=utf-8", "skopeo copy --format v2s2")]
    [InlineData("""{"schemaVersion":1,"name":"a","tag":"b","fsLayers":[],"history":[]}""", null, "skopeo copy --format v2s2")]
    [InlineData("""{"schemaVersion":1,"name":"a","tag":"b","fsLayers":[],"history":[]}""", MediaTypes.OciManifest, "skopeo copy --format v2s2")]
    [InlineData("""{"schemaVersion":2,"mediaType":"application/vnd.oci.artifact.manifest.v1+json","blobs":[]}""", null, "these are: " + MediaTypes.OciManifest)]
    [InlineData("""{"schemaVersion":2,"mediaType":5,"manifests":[]}""", null, "mediaType is not a media type")]
    [InlineData("""{"schemaVersion":2,"mediaType":"a\u0000b","manifests":[]}""", null, "mediaType is not a media type")]
    [InlineData("""{"schemaVersion":2,"artifactType":"a\nb","manifests":[]}""", null, "artifactType is not a media type")]
    [InlineData("""{"schemaVersion":2}""", null, "can't be told what it is")]
    [InlineData("{}", null, "can't be told what it is")]
    [InlineData("{}", MediaTypes.OciManifest, "schemaVersion")]
    [Spec("1.1.1", "Pushing Manifests")]
    public void TryParse_WrongOrUnknownType_IsRefusedWithWhatToDo(string body, string? contentType, string expected) =>
        Bodies.Refuse(body, contentType).ShouldContain(expected);

    [Theory]
    [InlineData("\"schemaVersion\":2", "\"schemaVersion\":3", "schemaVersion")]
    [InlineData("\"schemaVersion\":2", "\"schemaVersion\":\"2\"", "schemaVersion")]
    [InlineData("\"schemaVersion\":2", "\"schemaVersion\":2.0", "schemaVersion")]
    [InlineData("\"schemaVersion\":2", "\"schemaVersion\":20000000000", "schemaVersion")]
    [InlineData("\"schemaVersion\":2", "\"fsLayers\":[],\"schemaVersion\":2", "fsLayers")]
    [InlineData("\"config\":" + Bodies.Config, "\"config\":null", "needs config")]
    [InlineData("\"config\":" + Bodies.Config, "\"config\":[]", "config is not an object")]
    [InlineData("\"layers\":[" + Bodies.Layer + "]", "\"layers\":" + Bodies.Layer, "layers is not an array")]
    [InlineData(Bodies.Layer, Bodies.Layer + ",null", "layers[1] is not an object")]
    [InlineData("\"size\":32654", "\"size\":-1", "layers[0].size")]
    [InlineData("\"size\":32654", "\"size\":1e3", "layers[0].size")]
    [InlineData("\"size\":32654", "\"size\":1.0", "layers[0].size")]
    [InlineData("\"size\":32654", "\"size\":9223372036854775808", "layers[0].size")]
    [InlineData("\"size\":32654", "\"size\":\"32654\"", "layers[0].size")]
    [InlineData(",\"size\":32654", "", "layers[0].size is missing")]
    [InlineData(Bodies.LayerDigest, "sha256:ABCDEF", "layers[0].digest is 'sha256:ABCDEF'")]
    [InlineData(Bodies.LayerDigest, "md5:d41d8cd98f00b204e9800998ecf8427e", "layers[0].digest is")]
    [InlineData(Bodies.LayerDigest, Bodies.LayerDigest + "\\n", "layers[0].digest is")]
    [InlineData(Bodies.LayerDigest, "\\ud800", "layers[0].digest is not a string")]
    [InlineData("\"digest\":\"" + Bodies.ConfigDigest + "\"", "\"digest\":5", "config.digest is not a string")]
    [InlineData("\"digest\":\"" + Bodies.ConfigDigest + "\",", "", "config.digest is missing")]
    [InlineData("\"mediaType\":\"application/vnd.oci.image.config.v1+json\"", "\"mediaType\":{}", "config.mediaType")]
    [InlineData("\"schemaVersion\":2", "\"schemaVersion\":2,\"subject\":{}", "subject.digest is missing")]
    [InlineData("\"schemaVersion\":2", "\"schemaVersion\":2,\"annotations\":[]", "annotations is not an object")]
    [InlineData("\"schemaVersion\":2", "\"schemaVersion\":2,\"annotations\":{\"a\":1}", "annotations is not an object")]
    [InlineData("\"schemaVersion\":2", "\"schemaVersion\":2,\"\\ud800\":1", "a \\u escape that is no character")]
    [Spec("1.1.1", "Pushing Manifests")]
    public void TryParse_WrongMember_IsRefusedWithItsPlace(string part, string replacement, string expected)
    {
        Bodies.Image.ShouldContain(part);

        Bodies.Refuse(Bodies.Image.Replace(part, replacement, StringComparison.Ordinal)).ShouldContain(expected);
    }

    [Fact]
    public void TryParse_ManifestsOfTheWrongType_AreRefused()
    {
        Bodies.Refuse("""{"schemaVersion":2,"manifests":{}}""").ShouldContain("manifests is not an array");
        Bodies.Refuse("""{"schemaVersion":2,"manifests":null}""", MediaTypes.OciIndex).ShouldContain("needs manifests");
        Bodies.Refuse("""{"schemaVersion":2,"manifests":[]}""", MediaTypes.OciManifest).ShouldContain("needs config");
    }

    [Fact]
    public void TryParse_LongInput_IsNotEchoedWhole()
    {
        var text = new string('x', 1_000_000);

        Bodies.Refuse(Bodies.Image.Replace(Bodies.LayerDigest, text, StringComparison.Ordinal)).Length.ShouldBeLessThan(300);
        Bodies.Refuse(Bodies.Image, text).Length.ShouldBeLessThan(500);
        Bodies.Refuse($$"""{"{{text}}":{"{{text}}":{"a":1,"a":2} } }""").Length.ShouldBeLessThan(300);
        Bodies.Refuse($$"""{"mediaType":"{{new string('\u00e9', 200)}}"}""").Length.ShouldBeLessThan(300);
    }
}
