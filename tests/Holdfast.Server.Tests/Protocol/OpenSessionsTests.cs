using System.Net;
using Holdfast.Server.Tests.Hosting;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Protocol;

/// <summary>Runs while no other test does: memory and handles are the process's.</summary>
[CollectionDefinition(DisableParallelization = true)]
public sealed class Alone;

/// <summary>Very many uploads that nobody finishes.</summary>
[Collection<Alone>]
public sealed class OpenSessionsTests : IAsyncLifetime
{
    private readonly ManualTime _time = new();
    private readonly RegistryFixture _registry;

    public OpenSessionsTests() => _registry = new RegistryFixture { Time = _time };

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _registry.DisposeAsync();

    [Fact, Spec("1.1.1", "code-14"), Promise("P10")]
    public async Task Sessions_TenThousand_CostNoHandlesAndLittleMemoryAndOneMoreIs429()
    {
        await StartAsync(10_000);
        await OpenAsync(100);
        var (handles, memory, resident) = (Handles(), GC.GetTotalMemory(forceFullCollection: true), Environment.WorkingSet);
        var locations = await OpenAsync(9_900);
        // Some of them have bytes: the files of 256 at most stay open, so that a write-back's failure is heard of (P1).
        foreach (var location in locations.Take(600))
            (await _registry.PatchAsync(location, Samples.Bytes(1, 100))).StatusCode.ShouldBe(HttpStatusCode.Accepted);

        await ShouldRefuseOneMoreAsync();
        (Handles() - handles).ShouldBeLessThan(256 + 40);
        (GC.GetTotalMemory(forceFullCollection: true) - memory).ShouldBeLessThan(30L << 20);
        (Environment.WorkingSet - resident).ShouldBeLessThan(150L << 20);

        // A push that needs no session goes on.
        await _registry.PushBlobAsync("many", [1, 2, 3]);
    }

    [Fact, Promise("P10")]
    public async Task Cancel_AtTheLimit_FreesASlot()
    {
        await StartAsync(3);
        var locations = await OpenAsync(3);
        await ShouldRefuseOneMoreAsync();
        (await _registry.DeleteAsync(locations[1])).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await _registry.DeleteAsync(locations[1])).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        await OpenAsync(1);
        await ShouldRefuseOneMoreAsync();
    }

    [Fact, Promise("P10")]
    public async Task Finish_AtTheLimit_FreesASlotWhetherOrNotTheDigestIsRight()
    {
        await StartAsync(2);
        var locations = await OpenAsync(2);
        foreach (var (location, content) in locations.Zip(new byte[][] { [1], [2] }))
        {
            await ShouldRefuseOneMoreAsync();
            using var response = await _registry.SendAsync(
                HttpMethod.Put, $"{location}?digest={Samples.DigestOf([1])}", new ByteArrayContent(content));
            response.StatusCode.ShouldBe(content[0] == 1 ? HttpStatusCode.Created : HttpStatusCode.BadRequest);
            await OpenAsync(1);
        }
        await Eventually.ShouldBeAsync(Rows, 2);
    }

    [Fact, Promise("P10")]
    public async Task Sessions_NotTouchedForTheirAge_AreRemovedAndOthersStay()
    {
        await StartAsync(3);
        var locations = await OpenAsync(3);
        foreach (var location in locations)
            (await _registry.PatchAsync(location, Samples.Bytes(1, 100))).Dispose();
        _time.Advance(TimeSpan.FromHours(20));
        (await _registry.PatchAsync(locations[2], Samples.Bytes(2, 100))).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        _time.Advance(TimeSpan.FromHours(5));

        await Eventually.ShouldBeAsync(UploadFiles, 1);
        foreach (var location in locations.Take(2))
            (await _registry.GetAsync(location)).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        using var status = await _registry.GetAsync(locations[2]);
        status.Headers.GetValues("Range").ShouldBe(["0-199"]);
        await OpenAsync(2);
        await ShouldRefuseOneMoreAsync();
    }

    [Fact, Promise("P10")]
    public async Task Sessions_OfAFormerProcess_CountAndExpireLikeNewOnes()
    {
        await StartAsync(3);
        var locations = await OpenAsync(3);
        (await _registry.PatchAsync(locations[0], Samples.Bytes(1, 100))).Dispose();
        await _registry.RestartAsync();
        await ShouldRefuseOneMoreAsync();

        _time.Advance(TimeSpan.FromHours(20));
        using (var status = await _registry.GetAsync(locations[0]))
            status.Headers.GetValues("Range").ShouldBe(["0-99"]);
        _time.Advance(TimeSpan.FromHours(5));
        await Eventually.ShouldBeAsync(Rows, 1);
        UploadFiles().ShouldBe(1);
        (await _registry.GetAsync(locations[1])).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        await OpenAsync(2);
        await ShouldRefuseOneMoreAsync();
    }

    [Fact]
    public async Task Session_CancelledByManyAtOnce_NeverComesBack()
    {
        await StartAsync(10);
        for (var i = 0; i < 50; i++)
        {
            var location = (await OpenAsync(1))[0];
            (await _registry.PatchAsync(location, [1, 2, 3])).Dispose();
            var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(n =>
                n % 2 == 0 ? _registry.DeleteAsync(location) : _registry.GetAsync(location)));
            answers.Count(a => a.StatusCode == HttpStatusCode.NoContent && a.RequestMessage!.Method == HttpMethod.Delete).ShouldBe(1);
            (await _registry.PatchAsync(location, [4])).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        }
        UploadFiles().ShouldBe(0);
        await OpenAsync(10);
        await ShouldRefuseOneMoreAsync();
    }

    private async Task StartAsync(int maxOpen)
    {
        _registry.Options = _registry.Options with { Uploads = new UploadOptions { MaxOpen = maxOpen } };
        await _registry.StartAsync();
    }

    private async Task<List<string>> OpenAsync(int count)
    {
        var locations = new List<string>(count);
        foreach (var batch in Enumerable.Range(0, count).Chunk(20))
            locations.AddRange(await Task.WhenAll(batch.Select(_ => _registry.OpenUploadAsync("many"))));
        return locations;
    }

    private async Task ShouldRefuseOneMoreAsync()
    {
        using var refused = await _registry.SendAsync(HttpMethod.Post, "/v2/many/blobs/uploads/");
        refused.StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        refused.Headers.RetryAfter!.Delta!.Value.ShouldBeGreaterThan(TimeSpan.Zero);
        (await refused.ErrorAsync()).Code.ShouldBe("TOOMANYREQUESTS");
    }

    private long Rows() => _registry.CountAsync("SELECT COUNT(*) FROM uploads").AsTask().GetAwaiter().GetResult();

    private int UploadFiles() => Directory.GetFiles(Path.Combine(_registry.DataPath, "uploads")).Length;

    private static int Handles() => Directory.GetFileSystemEntries("/proc/self/fd").Length;
}
