using System.Text;

namespace Holdfast.Oci.Tests;

/// <summary>Manifests as real clients push them, written out, so that what a test changes is seen in the test.</summary>
internal static class Bodies
{
    public const string ConfigDigest = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    public const string LayerDigest = "sha256:6c3c624b58dbbcd3c0dd82b4c53f04194d1247c6eebdaab7c610cf7d66709b3b";
    public const string OtherDigest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    public const string Config = $$"""{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{{ConfigDigest}}","size":2}""";
    public const string Layer = $$"""{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"{{LayerDigest}}","size":32654}""";
    public const string Child = $$"""{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{{LayerDigest}}","size":7143,"platform":{"architecture":"arm64","os":"linux","variant":"v8"} }""";
    public const string Attestation = $$"""{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{{OtherDigest}}","size":566,"annotations":{"vnd.docker.reference.digest":"{{LayerDigest}}","vnd.docker.reference.type":"attestation-manifest"},"platform":{"architecture":"unknown","os":"unknown"} }""";
    public const string Subject = $$"""{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{{OtherDigest}}","size":123}""";

    public const string Image = $$"""{"schemaVersion":2,"mediaType":"{{MediaTypes.OciManifest}}","config":{{Config}},"layers":[{{Layer}}]}""";
    public const string Index = $$"""{"schemaVersion":2,"mediaType":"{{MediaTypes.OciIndex}}","manifests":[{{Child}},{{Attestation}}]}""";

    public const string DockerImage = $$"""
        {
           "schemaVersion": 2,
           "mediaType": "{{MediaTypes.DockerManifest}}",
           "config": { "mediaType": "application/vnd.docker.container.image.v1+json", "size": 7023, "digest": "{{ConfigDigest}}" },
           "layers": [
              { "mediaType": "{{MediaTypes.DockerForeignLayer}}", "size": 253, "digest": "{{OtherDigest}}", "urls": ["https://example.com/layer"] },
              { "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", "size": 32654, "digest": "{{LayerDigest}}" }
           ]
        }
        """;

    public const string DockerList = $$"""{"schemaVersion":2,"mediaType":"{{MediaTypes.DockerManifestList}}","manifests":[{"mediaType":"{{MediaTypes.DockerManifest}}","digest":"{{LayerDigest}}","size":985,"platform":{"architecture":"amd64","os":"linux"} }]}""";

    public static Manifest Parse(string body, string? contentType = null)
    {
        if (!ManifestParser.TryParse(Encoding.UTF8.GetBytes(body), contentType, out var manifest, out var problem))
            throw new InvalidOperationException(problem);
        return manifest;
    }

    /// <returns>The sentence with which it is refused.</returns>
    public static string Refuse(ReadOnlyMemory<byte> body, string? contentType = null)
    {
        if (ManifestParser.TryParse(body, contentType, out _, out var problem))
            throw new InvalidOperationException("it was accepted");
        return problem;
    }

    public static string Refuse(string body, string? contentType = null) => Refuse(Encoding.UTF8.GetBytes(body), contentType);
}
