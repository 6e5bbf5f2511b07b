using System.Net;
using System.Text;
using System.Text.Json;
using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Server.Tests.Protocol;
using Holdfast.Server.Trash;
using Holdfast.Storage.Metadata;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Trash;

/// <summary>What was deleted over HTTP, listed, restored and purged through the administration's interface.</summary>
public sealed class TrashEndpointTests(RegistryFixture registry) : IClassFixture<RegistryFixture>
{
    [Fact, Promise("P7")]
    public async Task Restore_DeletedIndex_IsPullableWithAllItsTagsAgain()
    {
        var child = await registry.PushImageAsync("undo/index", null, 301);
        var index = Samples.Index(child);
        await registry.PushManifestAsync("undo/index", "a", index, MediaTypes.OciIndex);
        await registry.PushManifestAsync("undo/index", "b", index, MediaTypes.OciIndex);
        await DeleteAsync($"/v2/undo/index/manifests/{Samples.DigestOf(index)}");
        await DeleteAsync($"/v2/undo/index/manifests/{Samples.DigestOf(child)}");

        var listed = await ListAsync("repository=undo/index");
        listed.Items.Count.ShouldBe(4);
        listed.Items.ShouldAllBe(item => item.Actor == "anonymous" && item.Cause == DeletionCause.Client && item.KeptUntil == item.DeletedAt + TimeSpan.FromDays(7));
        var operation = listed.Items.Single(item => item.Tag == "a").Operation;
        var report = await RestoreAsync(new RestoreRequest { Operation = operation });
        (report.Restored, report.Failed, report.Damaged).ShouldBe((4, 0, 0));

        foreach (var reference in new[] { "a", "b", Samples.DigestOf(child).ToString() })
            (await registry.GetAsync($"/v2/undo/index/manifests/{reference}")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await ListAsync("repository=undo/index")).Items.ShouldBeEmpty();
    }

    [Fact, Promise("P7")]
    public async Task Restore_TagThatMovedOn_NeedsForceOrAnotherName()
    {
        var old = await registry.PushImageAsync("undo/moved", "v1", 310);
        await DeleteAsync($"/v2/undo/moved/manifests/{Samples.DigestOf(old)}");
        var present = await registry.PushImageAsync("undo/moved", "v1", 311);
        var request = new RestoreRequest { Repository = "undo/moved", Tag = "v1", Latest = true };

        (await RestoreAsync(request with { DryRun = true })).Things.ShouldHaveSingleItem().Outcome.ShouldBe(RestoreOutcome.TagMoved);
        var refused = (await RestoreAsync(request)).Things.ShouldHaveSingleItem();
        (refused.Outcome, refused.Present).ShouldBe((RestoreOutcome.TagMoved, Samples.DigestOf(present).ToString()));
        (await registry.GetAsync($"/v2/undo/moved/manifests/{Samples.DigestOf(old)}")).StatusCode.ShouldBe(HttpStatusCode.NotFound);

        (await RestoreAsync(request with { Force = true })).Failed.ShouldBe(0);
        (await BodyAsync("/v2/undo/moved/manifests/v1")).ShouldBe(old);

        // What it took the place of is in the trash now, under its own operation.
        (await RestoreAsync(request with { To = "v1-other" })).Failed.ShouldBe(0);
        (await BodyAsync("/v2/undo/moved/manifests/v1")).ShouldBe(old);
        (await BodyAsync("/v2/undo/moved/manifests/v1-other")).ShouldBe(present);
    }

    [Fact, Promise("P7")]
    public async Task Restore_WithBytesMissing_IsDoneAndSaysWhatIsMissing()
    {
        var config = Samples.Bytes(320, 50);
        var digest = await registry.PushBlobAsync("undo/damaged", config);
        var image = await registry.PushImageOfAsync("undo/damaged", "v1", config);
        await DeleteAsync($"/v2/undo/damaged/manifests/{Samples.DigestOf(image)}");
        File.Delete(registry.BlobFile(digest));
        var report = await RestoreAsync(new RestoreRequest { Repository = "undo/damaged", Digest = Samples.DigestOf(image).ToString(), Latest = true });
        (report.Restored, report.Failed, report.Damaged).ShouldBe((2, 0, 2));
        report.Things.ShouldAllBe(thing => thing.Damaged.Single() == digest.ToString());
        (await BodyAsync("/v2/undo/damaged/manifests/v1")).ShouldBe(image);
    }

    [Fact, Promise("P7")]
    public async Task Restore_DeletedBlob_IsThereAgain()
    {
        var content = Samples.Bytes(330, 50);
        var digest = await registry.PushBlobAsync("undo/blob", content);
        await DeleteAsync($"/v2/undo/blob/blobs/{digest}");
        var report = await RestoreAsync(new RestoreRequest { Repository = "undo/blob", Digest = digest.ToString(), Latest = true });
        report.Things.ShouldHaveSingleItem().Kind.ShouldBe(TrashKind.Link);
        (await BodyAsync($"/v2/undo/blob/blobs/{digest}")).ShouldBe(content);
    }

    [Fact, Promise("P7")]
    public async Task Restore_MoreThanOneTransactionTakes_RestoresEachTagFromItsLatestDelete()
    {
        var (first, second) = (await registry.PushImageAsync("undo/many", null, 340), await registry.PushImageAsync("undo/many", null, 341));
        foreach (var image in new[] { first, second })
        {
            for (var i = 0; i < 130; i++)
                await registry.PushManifestAsync("undo/many", $"t{i}", image);
            for (var i = 0; i < 130; i++)
                await DeleteAsync($"/v2/undo/many/manifests/t{i}");
        }
        var report = await RestoreAsync(new RestoreRequest { Repository = "undo/*", Since = "1h", Force = true, Tag = null });
        report.Things.Where(thing => thing.Repository == "undo/many").Count(thing => thing.Outcome == RestoreOutcome.Restored).ShouldBe(130);
        (await BodyAsync("/v2/undo/many/manifests/t0")).ShouldBe(second);
        (await BodyAsync("/v2/undo/many/manifests/t129")).ShouldBe(second);
    }

    [Fact]
    public async Task Purge_Operation_CanNotBeRestored()
    {
        var image = await registry.PushImageAsync("purge/one", "v1", 350);
        await DeleteAsync($"/v2/purge/one/manifests/{Samples.DigestOf(image)}");
        var planned = await ResultAsync<PurgeReport>("/api/v1/trash/purge", new PurgeRequest { Repository = "purge/one", DryRun = true });
        planned.Purged.ShouldBe(2);
        (await ListAsync("repository=purge/one")).Items.Count.ShouldBe(2);
        var purged = await ResultAsync<PurgeReport>("/api/v1/trash/purge", new PurgeRequest { Repository = "purge/one", UpTo = planned.UpTo });
        (purged.Purged, purged.Held).ShouldBe((2, 0));
        (await FailAsync("/api/v1/trash/restore", new RestoreRequest { Repository = "purge/one", Tag = "v1", Latest = true })).ShouldContain("nothing in the trash is what you name");
        // A push is as good as ever.
        await registry.PushManifestAsync("purge/one", "v1", image);
        (await BodyAsync("/v2/purge/one/manifests/v1")).ShouldBe(image);
    }

    [Fact]
    public async Task Purge_WhatSomethingInTheTrashNeeds_StaysAndIsNamed()
    {
        var child = await registry.PushImageAsync("purge/held", null, 360);
        var index = Samples.Index(child);
        await registry.PushManifestAsync("purge/held", null, index, MediaTypes.OciIndex);
        await DeleteAsync($"/v2/purge/held/manifests/{Samples.DigestOf(index)}");
        await DeleteAsync($"/v2/purge/held/manifests/{Samples.DigestOf(child)}");
        var report = await ResultAsync<PurgeReport>("/api/v1/trash/purge", new PurgeRequest { Repository = "purge/held", Digest = Samples.DigestOf(child).ToString() });
        (report.Purged, report.Held).ShouldBe((0, 1));
        report.HeldThings.ShouldHaveSingleItem().Digest.ShouldBe(Samples.DigestOf(child).ToString());
    }

    /// <summary>Somebody looked at the list, or at a dry run, and names what stood there: that must not be another thing by now.</summary>
    [Fact]
    public async Task Id_OfWhatWasRestored_IsNoOthersLater()
    {
        var image = await registry.PushImageAsync("purge/ids", "v1", 370);
        await DeleteAsync("/v2/purge/ids/manifests/v1");
        var planned = await ResultAsync<PurgeReport>("/api/v1/trash/purge", new PurgeRequest { Repository = "purge/ids", DryRun = true });
        await RestoreAsync(new RestoreRequest { Id = planned.UpTo });
        await registry.PushManifestAsync("purge/ids", "v2", image);
        await DeleteAsync("/v2/purge/ids/manifests/v2");

        (await FailAsync("/api/v1/trash/restore", new RestoreRequest { Id = planned.UpTo })).ShouldContain("nothing in the trash is what you name");
        (await ResultAsync<PurgeReport>("/api/v1/trash/purge", new PurgeRequest { Repository = "purge/ids", UpTo = planned.UpTo })).Purged.ShouldBe(0);
        (await ListAsync("repository=purge/ids")).Items.ShouldHaveSingleItem().Tag.ShouldBe("v2");
    }

    [Theory]
    [InlineData("/api/v1/trash/restore", "{}", "say what to restore")]
    [InlineData("/api/v1/trash/purge", "{}", "say what to purge")]
    [InlineData("/api/v1/trash/restore", """{"repository":"a","to":"v2","force":true}""", "only one of them")]
    [InlineData("/api/v1/trash/restore", """{"repository":"A"}""", "'A' is neither a repository's name")]
    [InlineData("/api/v1/trash/restore", """{"tag":"-"}""", "'-' is not a tag")]
    [InlineData("/api/v1/trash/restore", """{"digest":"sha256:0"}""", "'sha256:0' is not one")]
    [InlineData("/api/v1/trash/restore", """{"since":"99999999999d"}""", "neither a time")]
    [InlineData("/api/v1/trash/restore", """{"since":"1h","until":"2h"}""", "since is not before until")]
    [InlineData("/api/v1/trash/restore", """{"registry":"tset"}""", "there is no 'tset'; there is test")]
    [InlineData("/api/v1/trash/restore", """{"repository":"a","latest":true}""", "give a tag or a digest")]
    [InlineData("/api/v1/trash/restore", """{"id":999999999}""", "nothing in the trash is what you name")]
    [InlineData("/api/v1/trash/purge", """{"id":0}""", "id: '0' is not a number from 1 on")]
    [InlineData("/api/v1/trash/purge", """{"run":""}""", "run: it is empty")]
    [InlineData("/api/v1/trash/purge", """{"operation":""}""", "operation: it is empty")]
    [InlineData("/api/v1/trash/restore", """{"run":"","repository":"a"}""", "run: it is empty")]
    public async Task Post_WrongBody_IsRefusedWithWhatToSay(string path, string body, string expected)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var response = await registry.Admin.PostAsync(path, content);
        ((int)response.StatusCode).ShouldBeInRange(400, 404);
        (await response.Content.ReadAsStringAsync()).ShouldContain(expected);
    }

    [Theory]
    [InlineData("limit=0")]
    [InlineData("limit=1001")]
    [InlineData("after=x")]
    [InlineData("cause=nobody")]
    [InlineData("since=2026-13-01")]
    [InlineData("run=")]
    [InlineData("repository=")]
    [InlineData("tag=a&tag=b")]
    public async Task List_WrongQuery_Is400(string query)
    {
        using var response = await registry.Admin.GetAsync("/api/v1/trash?" + query);
        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
    }

    [Theory]
    [InlineData("2026-11-20", "2026-11-20T00:00:00Z")]
    [InlineData("2026-11-20T10:00", "2026-11-20T10:00:00Z")]
    [InlineData("2026-11-20T10:00:05.25", "2026-11-20T10:00:05.25Z")]
    [InlineData("2026-11-20T10:00+02:00", "2026-11-20T08:00:00Z")]
    [InlineData("2026-11-20T10:00:00Z", "2026-11-20T10:00:00Z")]
    [InlineData("90m", "2026-11-21T10:30:00Z")]
    [InlineData("1w", "2026-11-14T12:00:00Z")]
    [InlineData("h", null)]
    [InlineData("-1h", null)]
    [InlineData("yesterday", null)]
    public void Parse_Time_IsWhenOrHowLongAgo(string text, string? expected)
    {
        var now = DateTimeOffset.Parse("2026-11-21T12:00:00Z", System.Globalization.CultureInfo.InvariantCulture);
        var parsed = Moment.Parse(text, now);
        parsed.ShouldBe(expected is null ? null : DateTimeOffset.Parse(expected, System.Globalization.CultureInfo.InvariantCulture).ToUnixTimeMilliseconds());
    }

    private async Task DeleteAsync(string path)
    {
        using var response = await registry.DeleteAsync(path);
        response.StatusCode.ShouldBe(HttpStatusCode.Accepted);
    }

    private async Task<byte[]> BodyAsync(string path)
    {
        using var response = await registry.GetAsync(path);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        return await response.Content.ReadAsByteArrayAsync();
    }

    private async Task<TrashListing> ListAsync(string query) =>
        JsonSerializer.Deserialize<TrashListing>(await registry.Admin.GetStringAsync("/api/v1/trash?" + query), AdminJson.Answers)!;

    private Task<RestoreReport> RestoreAsync(RestoreRequest request) => ResultAsync<RestoreReport>("/api/v1/trash/restore", request);

    private async Task<T> ResultAsync<T>(string path, object request)
    {
        var (status, body) = await PostAsync(path, request);
        status.ShouldBe(HttpStatusCode.OK, body);
        using var last = JsonDocument.Parse(body.TrimEnd().Split('\n')[^1]);
        return last.RootElement.GetProperty("result").Deserialize<T>(AdminJson.Answers)!;
    }

    private async Task<string> FailAsync(string path, object request)
    {
        var (status, body) = await PostAsync(path, request);
        status.ShouldNotBe(HttpStatusCode.OK);
        return body;
    }

    private async Task<(HttpStatusCode Status, string Body)> PostAsync(string path, object request)
    {
        using var content = new StringContent(JsonSerializer.Serialize(request, request.GetType(), AdminJson.Answers), Encoding.UTF8, "application/json");
        using var response = await registry.Admin.PostAsync(path, content);
        return (response.StatusCode, await response.Content.ReadAsStringAsync());
    }
}
