using System.Net;
using Holdfast.Oci;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Protocol;

/// <summary>Where a blob's file should be is something that can't be read: that is not known to be absent, and no bytes of it are served.</summary>
public sealed class UnreadableBlobTests(RegistryFixture registry) : IClassFixture<RegistryFixture>
{
    [Theory, Promise("P6"), Promise("P4")]
    [InlineData("folder")]
    [InlineData("link to a file of the same size")]
    [InlineData("link to nothing")]
    [InlineData("link to itself")]
    [InlineData("pipe")]
    public async Task Blob_ThatCannotBeRead_Is500ForHeadAndGetAndManifest(string obstacle)
    {
        var repository = $"unreadable/{obstacle.Replace(' ', '-')}";
        var content = Samples.Bytes(obstacle.Length, 400);
        var digest = await registry.PushBlobAsync(repository, content);
        var file = registry.BlobFile(digest);
        File.Delete(file);
        var foreign = Path.Combine(registry.DataPath, $"foreign{obstacle.Length}");
        await File.WriteAllBytesAsync(foreign, Samples.Bytes(5, content.Length));
        Obstruct(file, obstacle, foreign);

        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        using (var got = await registry.GetAsync($"/v2/{repository}/blobs/{digest}").WaitAsync(patience.Token))
        {
            got.StatusCode.ShouldBe(HttpStatusCode.InternalServerError);
            (await got.ErrorAsync()).Code.ShouldBe("STORE_UNREADABLE");
        }
        using (var head = await registry.HeadAsync($"/v2/{repository}/blobs/{digest}"))
            head.StatusCode.ShouldBe(HttpStatusCode.InternalServerError);
        using (var put = await registry.PutManifestAsync(repository, "v1", Samples.Image(content)))
            put.StatusCode.ShouldBe(HttpStatusCode.InternalServerError);
        using (var mount = await registry.SendAsync(HttpMethod.Post, $"/v2/elsewhere/blobs/uploads/?mount={digest}&from={repository}"))
            mount.StatusCode.ShouldBe(HttpStatusCode.InternalServerError);
        (await registry.CountAsync("SELECT COUNT(*) FROM manifests")).ShouldBe(0);
        (await File.ReadAllBytesAsync(foreign)).ShouldBe(Samples.Bytes(5, content.Length));

        // What lies there gives way to a push of the same bytes; a folder goes to the quarantine.
        using var pushed = await registry.SendAsync(
            HttpMethod.Post, $"/v2/{repository}/blobs/uploads/?digest={digest}", new ByteArrayContent(content));
        pushed.StatusCode.ShouldBe(HttpStatusCode.Created);
        (await registry.Http.GetByteArrayAsync($"/v2/{repository}/blobs/{digest}")).ShouldBe(content);
        (await File.ReadAllBytesAsync(foreign)).ShouldBe(Samples.Bytes(5, content.Length));
    }

    [Fact, Promise("P6")]
    public async Task Blob_WhoseFolderIsAway_Is503NotAbsent()
    {
        await using var own = new RegistryFixture();
        await own.InitializeAsync();
        var digest = await own.PushBlobAsync("away", [1, 2, 3]);
        var blobs = Path.Combine(own.DataPath, "blobs", "sha256");
        Directory.Move(blobs, blobs + ".away");
        (await own.HeadAsync($"/v2/away/blobs/{digest}")).StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        Directory.Move(blobs + ".away", blobs);
        (await own.HeadAsync($"/v2/away/blobs/{digest}")).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    private static void Obstruct(string file, string obstacle, string foreign)
    {
        switch (obstacle)
        {
            case "folder":
                Directory.CreateDirectory(file);
                break;
            case "pipe":
                using (var process = System.Diagnostics.Process.Start("mkfifo", [file]))
                    process.WaitForExit();
                break;
            default:
                File.CreateSymbolicLink(file, obstacle switch
                {
                    "link to nothing" => foreign + ".none",
                    "link to itself" => file,
                    _ => foreign,
                });
                break;
        }
    }
}
