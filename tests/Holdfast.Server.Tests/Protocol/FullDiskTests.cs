using System.Net;
using Holdfast.Server.Tests.Hosting;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Protocol;

/// <summary>Below the reserve, and with a disk that is really full: pushes are refused with the figures, pulls and deletes go on.</summary>
public sealed class FullDiskTests
{
    private const string Repository = "full";

    [Theory, Promise("P10")]
    [InlineData(0)]
    [InlineData(8 << 20)]
    public async Task Push_WithoutRoom_Is507AndPullsAndDeletesGoOn(int reserveBytes)
    {
        await using var disk = await SmallDisk.StartAsync(reserveBytes);
        var registry = disk.Registry;
        var kept = await registry.PushImageAsync(Repository, "kept", 1);
        var gone = await registry.PushImageAsync(Repository, "gone", 2);
        var unused = await registry.PushBlobAsync(Repository, [1, 2, 3]);
        var location = await registry.OpenUploadAsync(Repository);
        var content = Samples.Bytes(3, 1_000_000);
        (await registry.PatchAsync(location, content[..500_000], "0-499999")).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        var cancelled = await registry.OpenUploadAsync(Repository);
        var before = registry.StoredFiles();
        disk.Fill(leaveBytes: reserveBytes);
        await OneSecondAsync(); // The free space is asked for once a second.

        await ShouldRefusePushesAsync(registry, location, content, reserveBytes);
        registry.StoredFiles().ShouldBe(before);

        await ShouldPullAsync(registry, "kept", kept);
        using (var tags = await registry.GetAsync($"/v2/{Repository}/tags/list"))
            (await tags.JsonAsync()).GetProperty("tags").GetArrayLength().ShouldBe(2);
        foreach (var path in new[] { "manifests/gone", $"manifests/{Samples.DigestOf(gone)}", $"blobs/{unused}" })
            (await registry.DeleteAsync($"/v2/{Repository}/{path}")).StatusCode.ShouldBe(HttpStatusCode.Accepted, path);
        (await registry.DeleteAsync(cancelled)).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        await ShouldBeConsistentAsync(registry);

        disk.MakeRoom(); // Nothing is refused by an old answer.
        await ShouldFinishAsync(registry, location, content);
        await registry.PushImageAsync(Repository, "later", 4);
        await registry.RestartAsync();
        await ShouldPullAsync(registry, "kept", kept);
        (await registry.HeadAsync($"/v2/{Repository}/manifests/gone")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        await ShouldBeConsistentAsync(registry);
    }

    [Fact, Promise("P10")]
    public async Task DeleteOfTags_OnADiskFullToTheLastByte_GoesOnForHundreds()
    {
        await using var disk = await SmallDisk.StartAsync(reserveBytes: 0);
        var registry = disk.Registry;
        var manifest = await registry.PushImageAsync(Repository, "kept", 1);
        for (var i = 0; i < 600; i++)
            await registry.PushManifestAsync(Repository, $"t{i}", manifest);
        disk.Fill(leaveBytes: 0);
        disk.FreeBytes.ShouldBe(0);
        for (var i = 0; i < 600; i++)
            (await registry.DeleteAsync($"/v2/{Repository}/manifests/t{i}")).StatusCode.ShouldBe(HttpStatusCode.Accepted, $"delete {i}");
        disk.FreeBytes.ShouldBe(0);
        await registry.RestartAsync(); // On the disk as it is.
        await ShouldPullAsync(registry, "kept", manifest);
        using var tags = await registry.GetAsync($"/v2/{Repository}/tags/list");
        (await tags.JsonAsync()).GetProperty("tags").GetArrayLength().ShouldBe(1);
        await ShouldBeConsistentAsync(registry);
    }

    [Fact, Promise("P10")]
    public async Task EmergencyCollection_OnADiskFullToTheLastByte_FreesWhatWasDeleted()
    {
        var time = new ManualTime();
        await using var disk = await SmallDisk.StartAsync(reserveBytes: 0, time);
        var registry = disk.Registry;
        var kept = await registry.PushImageAsync(Repository, "kept", 1);
        for (var i = 2; i < 300; i++)
            await registry.PushImageAsync(Repository, $"t{i}", i);
        time.Advance(TimeSpan.FromHours(2)); // The pushes' leases are over.
        disk.Fill(leaveBytes: 0);
        for (var i = 2; i < 300; i++)
            (await registry.DeleteAsync($"/v2/{Repository}/manifests/t{i}")).StatusCode.ShouldBe(HttpStatusCode.Accepted, $"delete {i}");
        disk.FreeBytes.ShouldBe(0);
        using (var client = Admin.AdminHost.ClientOf(registry.Options.AdminSocket!))
        using (var order = new StringContent("""{"emergency":true}""", System.Text.Encoding.UTF8, "application/json"))
        using (var answer = await client.PostAsync("/api/v1/collection/run", order))
        {
            var last = (await answer.Content.ReadAsStringAsync()).TrimEnd().Split('\n')[^1];
            last.ShouldStartWith("{\"result\":");
            var figures = System.Text.Json.JsonDocument.Parse(last).RootElement.GetProperty("result").GetProperty("figures");
            figures.GetProperty("removedBlobs").GetInt64().ShouldBe(3 * 298);
            figures.GetProperty("purgedManifests").GetInt64().ShouldBe(298);
        }
        disk.FreeBytes.ShouldBeGreaterThan(3 * 298 * 4096 / 2);
        await ShouldPullAsync(registry, "kept", kept);
        await ShouldBeConsistentAsync(registry);
    }

    [Fact, Promise("P10")]
    public async Task Pushes_UntilTheDiskIsFull_EachIsThereOrNot()
    {
        await using var disk = await SmallDisk.StartAsync(reserveBytes: 0);
        var registry = disk.Registry;
        disk.Fill(leaveBytes: 3 << 20);
        await OneSecondAsync();
        var (stored, refused) = (0, 0);
        for (var i = 0; i < 120; i++)
        {
            var content = Samples.Bytes(1000 + i, 60_000);
            using var response = await registry.SendAsync(
                HttpMethod.Post, $"/v2/{Repository}/blobs/uploads/?digest={Samples.DigestOf(content)}", new ByteArrayContent(content));
            response.StatusCode.ShouldBeOneOf(HttpStatusCode.Created, HttpStatusCode.InsufficientStorage);
            using var head = await registry.HeadAsync($"/v2/{Repository}/blobs/{Samples.DigestOf(content)}");
            head.StatusCode.ShouldBe(response.StatusCode == HttpStatusCode.Created ? HttpStatusCode.OK : HttpStatusCode.NotFound);
            _ = response.StatusCode == HttpStatusCode.Created ? stored++ : refused++;
        }
        stored.ShouldBeGreaterThan(0);
        refused.ShouldBeGreaterThan(0);
        Directory.GetFiles(Path.Combine(registry.DataPath, "uploads")).ShouldBeEmpty();
        await ShouldBeConsistentAsync(registry);
    }

    [Fact, Promise("P10")]
    public async Task Uploads_BetweenTwoLooksAtTheDisk_StillKeepTheReserve()
    {
        const int Reserve = 12 << 20;
        await using var disk = await SmallDisk.StartAsync(Reserve, new ManualTime()); // It stands, so that there is only one look.
        // All are open before one sends: opening is refused on a full disk too.
        var locations = await Task.WhenAll(Enumerable.Range(0, 60).Select(_ => disk.Registry.OpenUploadAsync(Repository)));
        var answers = await Task.WhenAll(locations.Select((location, i) => SendAsync(disk.Registry, location, Samples.Bytes(i, 1 << 20))));
        answers.ShouldContain(HttpStatusCode.Accepted);
        answers.ShouldContain(HttpStatusCode.InsufficientStorage);
        disk.FreeBytes.ShouldBeGreaterThan(Reserve - (1 << 20));
    }

    [Fact, Promise("P10")]
    public async Task Start_OnAFullDisk_SaysSoAndWorksOnceThereIsRoom()
    {
        await using var disk = await SmallDisk.StartAsync(reserveBytes: 0);
        var manifest = await disk.Registry.PushImageAsync(Repository, "kept", 1);
        await disk.Registry.StopAsync();
        disk.Fill(leaveBytes: 0);
        (await Should.ThrowAsync<IOException>(() => disk.Registry.StartAsync().AsTask())).Message.ShouldMatch("no room|No space");
        disk.MakeRoom();
        await disk.Registry.StartAsync();
        await ShouldPullAsync(disk.Registry, "kept", manifest);
        await ShouldBeConsistentAsync(disk.Registry);
    }

    // Of no stated length, so that only the bytes themselves can be counted.
    private static async Task<HttpStatusCode> SendAsync(RegistryFixture registry, string location, byte[] content)
    {
        using var request = new HttpRequestMessage(HttpMethod.Patch, location) { Content = new ByteArrayContent(content) };
        request.Headers.TransferEncodingChunked = true;
        using var response = await registry.Http.SendAsync(request);
        return response.StatusCode;
    }

    private static async Task ShouldRefusePushesAsync(RegistryFixture registry, string location, byte[] content, long reserveBytes)
    {
        var rest = content[500_000..];
        var digest = Samples.DigestOf(content);
        await ShouldBeFullAsync(registry.PatchAsync(location, rest, "500000-999999"), reserveBytes);
        await ShouldBeFullAsync(registry.SendAsync(HttpMethod.Put, $"{location}?digest={digest}", new ByteArrayContent(rest)), reserveBytes);
        await ShouldBeFullAsync(
            registry.SendAsync(HttpMethod.Post, $"/v2/{Repository}/blobs/uploads/?digest={digest}", new ByteArrayContent(content)), reserveBytes);
        await ShouldBeFullAsync(registry.PutManifestAsync(Repository, "new", Samples.Image(Samples.Bytes(1, 50), Samples.Bytes(100_001, 500))), reserveBytes);
        // A client that sends far more than a connection holds gets its answer too.
        await ShouldBeFullAsync(
            registry.SendAsync(HttpMethod.Post, $"/v2/{Repository}/blobs/uploads/?digest={digest}", new ByteArrayContent(new byte[30_000_000])), reserveBytes);
        using var status = await registry.GetAsync(location);
        status.Headers.GetValues("Range").ShouldBe(["0-499999"]);
        using var head = await registry.HeadAsync($"/v2/{Repository}/blobs/{digest}");
        head.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        using var manifest = await registry.HeadAsync($"/v2/{Repository}/manifests/new");
        manifest.StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    private static async Task ShouldBeFullAsync(Task<HttpResponseMessage> push, long reserveBytes)
    {
        using var response = await push;
        response.StatusCode.ShouldBe(HttpStatusCode.InsufficientStorage, await response.Content.ReadAsStringAsync());
        var (code, detail) = await response.ErrorAsync();
        code.ShouldBe("INSUFFICIENT_STORAGE");
        detail.GetProperty("freeBytes").GetInt64().ShouldBeInRange(0, reserveBytes + 1_000_000);
        detail.GetProperty("reserveBytes").GetInt64().ShouldBe(reserveBytes);
    }

    private static async Task ShouldPullAsync(RegistryFixture registry, string tag, byte[] manifest)
    {
        (await registry.Http.GetByteArrayAsync($"/v2/{Repository}/manifests/{tag}")).ShouldBe(manifest);
        (await registry.Http.GetByteArrayAsync($"/v2/{Repository}/blobs/{Samples.DigestOf(Samples.Bytes(100_001, 500))}")).Length.ShouldBe(500);
    }

    private static async Task ShouldFinishAsync(RegistryFixture registry, string location, byte[] content)
    {
        (await registry.PatchAsync(location, content[500_000..], "500000-999999")).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        using var response = await registry.SendAsync(HttpMethod.Put, $"{location}?digest={Samples.DigestOf(content)}");
        response.StatusCode.ShouldBe(HttpStatusCode.Created);
    }

    private static async Task ShouldBeConsistentAsync(RegistryFixture registry)
    {
        (await registry.CountAsync("SELECT COUNT(*) FROM pragma_foreign_key_check")).ShouldBe(0);
        (await registry.CountAsync("SELECT integrity_check = 'ok' FROM pragma_integrity_check")).ShouldBe(1);
    }

    private static Task OneSecondAsync() => Task.Delay(1100);
}
