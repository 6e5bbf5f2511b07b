using System.Text;
using BenchmarkDotNet.Attributes;
using Holdfast.Oci;
using Holdfast.Server.Http;

namespace Holdfast.Micro;

/// <summary>What every request goes through before anything is looked up.</summary>
public class Parsing
{
    private const string Hex = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    private readonly string _digest = "sha256:" + Hex;
    private readonly string _byTag = "/v2/team/tools/builder/manifests/v1.2.3";
    private readonly string _byDigest = "/v2/team/tools/builder/blobs/sha256:" + Hex;
    private readonly byte[] _image = Manifest(MediaTypes.OciManifest, "layers", 8);
    private readonly byte[] _index = Manifest(MediaTypes.OciIndex, "manifests", 20);

    [Benchmark]
    public bool DigestOfText() => Digest.TryParse(_digest, out _);

    [Benchmark]
    public string RouteOfAManifest() => RegistryRoute.Parse(_byTag).Last;

    [Benchmark]
    public string RouteOfABlob() => RegistryRoute.Parse(_byDigest).Last;

    [Benchmark]
    public bool ManifestOf8Layers() => ManifestParser.TryParse(_image, MediaTypes.OciManifest, out _, out _);

    [Benchmark]
    public bool IndexOf20Children() => ManifestParser.TryParse(_index, MediaTypes.OciIndex, out _, out _);

    private static byte[] Manifest(string mediaType, string list, int count)
    {
        var child = mediaType == MediaTypes.OciIndex ? MediaTypes.OciManifest : "application/vnd.oci.image.layer.v1.tar+gzip";
        var content = string.Join(",", Enumerable.Range(0, count).Select(i => $$"""{"mediaType":"{{child}}","digest":"sha256:{{i:x2}}{{Hex[2..]}}","size":{{1000 + i}}}"""));
        var config = mediaType == MediaTypes.OciIndex ? "" : $$""""config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:{{Hex}}","size":1234},"""";
        return Encoding.UTF8.GetBytes($$"""{"schemaVersion":2,"mediaType":"{{mediaType}}",{{config}}"{{list}}":[{{content}}]}""");
    }
}
