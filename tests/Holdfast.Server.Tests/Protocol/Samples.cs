using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Holdfast.Oci;

namespace Holdfast.Server.Tests.Protocol;

/// <summary>Content for tests: bytes that are the same at every run, manifests in every shape.</summary>
internal static class Samples
{
    public static byte[] Bytes(int seed, int size)
    {
        var bytes = new byte[size];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    public static Digest DigestOf(byte[] content, DigestAlgorithm algorithm = DigestAlgorithm.Sha256) => Digest.Compute(algorithm, content);

    public static JsonObject Descriptor(string mediaType, byte[] content, DigestAlgorithm algorithm = DigestAlgorithm.Sha256) => new()
    {
        ["mediaType"] = mediaType,
        ["digest"] = DigestOf(content, algorithm).ToString(),
        ["size"] = content.Length,
    };

    public static byte[] Image(byte[] config, params byte[][] layers) => Json(ImageJson(config, layers));

    public static JsonObject ImageJson(byte[] config, params byte[][] layers) => new()
    {
        ["schemaVersion"] = 2,
        ["mediaType"] = MediaTypes.OciManifest,
        ["config"] = Descriptor("application/vnd.oci.image.config.v1+json", config),
        ["layers"] = new JsonArray([.. layers.Select(l => Descriptor("application/vnd.oci.image.layer.v1.tar+gzip", l))]),
    };

    public static byte[] Index(params byte[][] children) => Json(IndexJson(children));

    public static JsonObject IndexJson(params byte[][] children) => new()
    {
        ["schemaVersion"] = 2,
        ["mediaType"] = MediaTypes.OciIndex,
        ["manifests"] = new JsonArray([.. children.Select(c => Descriptor(MediaTypes.OciManifest, c))]),
    };

    public static byte[] Json(JsonNode node) => Encoding.UTF8.GetBytes(node.ToJsonString());

    public static async Task<JsonElement> JsonAsync(this HttpResponseMessage response) =>
        JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync()).RootElement;

    /// <summary>The first error of an answer: its code and its detail.</summary>
    public static async Task<(string Code, JsonElement Detail)> ErrorAsync(this HttpResponseMessage response)
    {
        var error = (await response.JsonAsync()).GetProperty("errors")[0];
        return (error.GetProperty("code").GetString()!, error.GetProperty("detail"));
    }
}
