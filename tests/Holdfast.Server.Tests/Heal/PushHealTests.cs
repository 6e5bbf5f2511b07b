using System.Net;
using Holdfast.Oci;
using Holdfast.Server.Tests.Hosting;
using Holdfast.Server.Tests.Protocol;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Heal;

/// <summary>A push of the same bytes heals at every stage, whichever way it comes.</summary>
public sealed class PushHealTests(RegistryFixture registry) : IClassFixture<RegistryFixture>
{
    public enum Stage
    {
        FlippedUnnoticed,
        MissingUnnoticed,
        Missing,
        Quarantined,
        OnlyInTheTrash,
    }

    public enum Way
    {
        Whole,
        Chunked,
        MountFirst,
    }

    public static TheoryData<Stage, Way> Cases() => new MatrixTheoryData<Stage, Way>(Enum.GetValues<Stage>(), Enum.GetValues<Way>());

    [Theory, Promise("P4"), MemberData(nameof(Cases))]
    public async Task Blob_PushedAgain_IsRightAgain(Stage stage, Way way)
    {
        var content = Samples.Bytes(((int)stage * 10) + (int)way, 5_000);
        var digest = await registry.PushBlobAsync("team/app", content);
        await DamageAsync(digest, stage);

        await PushAsync(digest, content, way);

        await registry.ShouldPullAsync($"/v2/team/app/blobs/{digest}", content);
        (await File.ReadAllBytesAsync(registry.BlobFile(digest))).ShouldBe(content);
        var incidents = (await registry.IncidentsAsync("state=all&limit=1000")).Incidents.Where(incident => incident.Subject == digest.ToString()).ToList();
        incidents.ShouldAllBe(incident => incident.State == "healed" && incident.HealedBy == "push");
        if (stage is Stage.Missing or Stage.Quarantined)
            incidents.Count.ShouldBe(1);
    }

    [Theory, Promise("P4")]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task Manifest_PushedAgain_IsRightAgain(bool byTag, bool wasNoticed)
    {
        var manifest = await registry.PushImageAsync("team/image", "v1", 50 + (byTag ? 1 : 0) + (wasNoticed ? 2 : 0));
        var digest = Samples.DigestOf(manifest);
        await registry.ChangeAsync($"UPDATE manifest_payloads SET payload = x'00' WHERE blob_id = (SELECT id FROM blobs WHERE digest = x'01{digest.Hex}')");
        registry.Flip(digest);
        await registry.RestartAsync(); // Out of the memory too.
        if (wasNoticed)
            await registry.ShouldBeMissedAsync($"/v2/team/image/manifests/{digest}");

        await registry.PushManifestAsync("team/image", byTag ? "v1" : null, manifest);
        await registry.RestartAsync();

        await registry.ShouldPullAsync("/v2/team/image/manifests/v1", manifest);
        (await registry.IncidentsAsync("state=open&limit=1000")).Incidents.ShouldNotContain(incident => incident.Subject == digest.ToString());
        (await File.ReadAllBytesAsync(registry.BlobFile(digest))).ShouldBe(manifest);
    }

    [Fact, Promise("P4")]
    public async Task Head_OfAnImageWithALostLayer_Is404ForWhoMayPushUntilItIsPushedAgain()
    {
        // As crane and oras push: the manifest is asked for first, and nothing is sent if it is there.
        var image = await registry.PushImageAsync("team/head", "v1", 70);
        await registry.PushManifestAsync("team/head", "all", Samples.Index(image), MediaTypes.OciIndex);
        var layer = Samples.DigestOf(Samples.Bytes(100_070, 500));
        registry.Remove(layer);
        (await registry.HeadAsync("/v2/team/head/manifests/v1")).StatusCode.ShouldBe(HttpStatusCode.OK, "nobody knows yet");
        await registry.ShouldBeMissedAsync($"/v2/team/head/blobs/{layer}");

        (await registry.HeadAsync("/v2/team/head/manifests/v1")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await registry.HeadAsync($"/v2/team/head/manifests/{Samples.DigestOf(image)}")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await registry.HeadAsync("/v2/team/head/manifests/all")).StatusCode.ShouldBe(HttpStatusCode.OK, "other platforms keep working");
        await registry.ShouldPullAsync("/v2/team/head/manifests/v1", image);

        (await registry.PushBlobAsync("team/head", Samples.Bytes(100_070, 500))).ShouldBe(layer);
        (await registry.HeadAsync("/v2/team/head/manifests/v1")).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact, Promise("P4")]
    public async Task Blob_PushedWhileADonorSendsIt_IsHealedByThePush()
    {
        var content = Samples.Bytes(90, 5_000);
        var asked = new TaskCompletionSource();
        var goOn = new TaskCompletionSource();
        await using var donor = await HostUnderTest.StartAsync(async request =>
        {
            var response = request.Context.Response;
            response.ContentLength = content.Length;
            await response.Body.WriteAsync(content.AsMemory(0, 100));
            asked.TrySetResult();
            await goOn.Task;
            await response.Body.WriteAsync(content.AsMemory(100));
        });
        var digest = await registry.PushBlobAsync("team/app", content);
        await registry.WithDonorsAsync(new DonorOptions { Registry = donor.Host.Addresses[0] });
        registry.Remove(digest);
        await registry.ShouldBeMissedAsync($"/v2/team/app/blobs/{digest}");
        await asked.Task.WaitAsync(TimeSpan.FromSeconds(20));

        await registry.PushBlobAsync("team/app", content);
        (await registry.IncidentAsync(digest)).HealedBy.ShouldBe("push");
        goOn.SetResult();

        await registry.ShouldPullAsync($"/v2/team/app/blobs/{digest}", content);
        await Eventually.ShouldBeAsync(() => Directory.GetFiles(Path.Combine(registry.DataPath, "uploads")).Length, 0);
        (await registry.IncidentsAsync("state=all&limit=1000")).Incidents.Count(incident => incident.Subject == digest.ToString()).ShouldBe(1);
        await registry.WithDonorsAsync();
    }

    [Fact, Promise("P8")]
    public async Task Blob_LostAgainSoonAfterAPush_IsAnotherIncident()
    {
        var content = Samples.Bytes(95, 5_000);
        var digest = await registry.PushBlobAsync("team/app", content);
        foreach (var count in new[] { 1, 2 })
        {
            registry.Remove(digest);
            await registry.ShouldBeMissedAsync($"/v2/team/app/blobs/{digest}");
            (await registry.IncidentsAsync("state=all&limit=1000")).Incidents.Count(incident => incident.Subject == digest.ToString()).ShouldBe(count);
            await registry.PushBlobAsync("team/app", content);
        }
    }

    private async Task DamageAsync(Digest digest, Stage stage)
    {
        switch (stage)
        {
            case Stage.FlippedUnnoticed:
                registry.Flip(digest);
                break;
            case Stage.MissingUnnoticed:
                registry.Remove(digest);
                break;
            case Stage.Missing:
                registry.Remove(digest);
                await registry.ShouldBeMissedAsync($"/v2/team/app/blobs/{digest}");
                break;
            case Stage.Quarantined:
                registry.Flip(digest);
                await registry.ShouldBeMissedAsync($"/v2/team/app/blobs/{digest}");
                await registry.ShouldBeMissedAsync($"/v2/team/app/blobs/{digest}");
                Directory.GetFiles(Path.Combine(registry.DataPath, "quarantine")).Count(file => file.Contains(digest.ToString(), StringComparison.Ordinal)).ShouldBe(1);
                break;
            case Stage.OnlyInTheTrash:
                (await registry.DeleteAsync($"/v2/team/app/blobs/{digest}")).StatusCode.ShouldBe(HttpStatusCode.Accepted);
                registry.Remove(digest);
                break;
        }
    }

    private async Task PushAsync(Digest digest, byte[] content, Way way)
    {
        if (way == Way.Whole)
        {
            await registry.PushBlobAsync("team/app", content);
            return;
        }
        var query = way == Way.MountFirst ? $"?mount={digest}&from=team/app" : "";
        using var opened = await registry.SendAsync(HttpMethod.Post, $"/v2/team/app/blobs/uploads/{query}");
        // Bytes of the right size can be mounted as long as nobody has looked at them.
        if (opened.StatusCode == HttpStatusCode.Created)
        {
            await registry.ShouldBeMissedAsync($"/v2/team/app/blobs/{digest}");
            await registry.PushBlobAsync("team/app", content);
            return;
        }
        opened.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        var location = opened.Headers.Location!.ToString();
        foreach (var chunk in content.Chunk(2_000))
            (await registry.PatchAsync(location, chunk)).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        using var put = await registry.SendAsync(HttpMethod.Put, $"{location}{(location.Contains('?', StringComparison.Ordinal) ? '&' : '?')}digest={digest}");
        put.StatusCode.ShouldBe(HttpStatusCode.Created);
    }
}
