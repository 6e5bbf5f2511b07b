using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using Shouldly;

namespace Holdfast.Tests.Commands;

/// <summary>The least that can be pushed: a manifest and its config.</summary>
internal static class SmallImage
{
    /// <param name="seed">With another one it is another image.</param>
    public static async Task PushAsync(RunningServer server, string repository, string tag, int seed = 0)
    {
        var config = Encoding.UTF8.GetBytes($"{{\"config\":\"{tag} {seed}\"}}");
        var digest = DigestOf(config);
        using var blob = await server.Client.PostAsync($"/v2/{repository}/blobs/uploads/?digest={digest}", new ByteArrayContent(config));
        blob.StatusCode.ShouldBe(HttpStatusCode.Created, await blob.Content.ReadAsStringAsync());
        var manifest = $$"""
            {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","layers":[],
             "config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{{digest}}","size":{{config.Length}} } }
            """;
        using var content = new StringContent(manifest, MediaTypeHeaderValue.Parse("application/vnd.oci.image.manifest.v1+json"));
        using var put = await server.Client.PutAsync($"/v2/{repository}/manifests/{tag}", content);
        put.StatusCode.ShouldBe(HttpStatusCode.Created, await put.Content.ReadAsStringAsync());
    }

    public static string DigestOf(byte[] content) => "sha256:" + Convert.ToHexStringLower(SHA256.HashData(content));
}
