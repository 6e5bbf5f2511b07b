using System.Net;
using Holdfast.Server.Tests.Heal;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Protocol;

/// <summary>Wrong bytes that can't be taken away, as on a disk that can only be read.</summary>
public sealed class KnownWrongTests
{
    [Theory, Promise("P4")]
    [InlineData(400)]
    [InlineData(600_000)]
    public async Task WrongBytes_ThatCouldNotBeTakenAway_AreNotThereAlsoAfterARestart(int size)
    {
        await using var registry = new RegistryFixture();
        await registry.StartAsync();
        var content = Samples.Bytes(7, size);
        var digest = await registry.PushBlobAsync("team/app", content);
        var path = $"/v2/team/app/blobs/{digest}";
        // Another file system, where nothing can be renamed to.
        var quarantine = Path.Combine(registry.DataPath, "quarantine");
        Directory.Delete(quarantine);
        Directory.CreateSymbolicLink(quarantine, "/proc/self");
        registry.Flip(digest);
        await registry.ShouldBeMissedAsync(path);
        (await registry.WaitForAsync(digest, found => found.Kind == "blob-corrupt")).Detail.ShouldContain("could not be taken away");
        File.Exists(registry.BlobFile(digest)).ShouldBeTrue();

        await registry.RestartAsync();
        using (var head = await registry.HeadAsync(path))
            head.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        using (var got = await registry.GetAsync(path))
            got.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        using (var range = await registry.GetAsync(path, ("Range", "bytes=0-9")))
            range.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await registry.IncidentAsync(digest)).State.ShouldBe("open");
        using (var mounted = await registry.SendAsync(HttpMethod.Post, $"/v2/other/blobs/uploads/?mount={digest}&from=team/app"))
            mounted.StatusCode.ShouldBe(HttpStatusCode.Accepted, "the client sends it then");
        await registry.PushBlobAsync("team/app", "{}"u8.ToArray());
        using (var put = await registry.PutManifestAsync("team/app", "v1", Samples.Image("{}"u8.ToArray(), content)))
        {
            put.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
            (await put.ErrorAsync()).Detail.GetProperty("missing").EnumerateArray().ShouldHaveSingleItem().GetString().ShouldBe(digest.ToString());
        }

        using (var pushed = await registry.SendAsync(HttpMethod.Post, $"/v2/team/app/blobs/uploads/?digest={digest}", new ByteArrayContent(content)))
            pushed.StatusCode.ShouldBe(HttpStatusCode.Created);
        await registry.ShouldPullAsync(path, content);
        await registry.WaitForHealAsync(digest);
    }
}
