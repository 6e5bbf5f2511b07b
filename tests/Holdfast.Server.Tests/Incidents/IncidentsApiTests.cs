using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Server.Incidents;
using Holdfast.Server.Tests.Heal;
using Holdfast.Server.Tests.Protocol;
using Holdfast.Storage.Metadata;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Incidents;

/// <summary>What the administration tells of incidents.</summary>
public sealed class IncidentsApiTests(RegistryFixture registry) : IClassFixture<RegistryFixture>
{
    [Fact, Promise("P8")]
    public async Task Impact_OfALayer_IsEveryTagAboveItInEveryRepository()
    {
        var (config, layer) = (Samples.Bytes(1, 50), Samples.Bytes(2, 500));
        var image = Samples.Image(config, layer);
        foreach (var repository in new[] { "team/one", "team/two" })
        {
            await registry.PushBlobAsync(repository, config);
            await registry.PushBlobAsync(repository, layer);
            await registry.PushManifestAsync(repository, null, image);
        }
        var index = Samples.Index(image);
        await registry.PushManifestAsync("team/one", "v1", index, MediaTypes.OciIndex);
        await registry.PushManifestAsync("team/one", "v2", Samples.Index(index), MediaTypes.OciIndex);
        await registry.PushManifestAsync("team/one", "old", index, MediaTypes.OciIndex);
        await registry.PushManifestAsync("team/two", "direct", image);
        await registry.PushImageAsync("team/two", "other", 9);
        (await registry.DeleteAsync("/v2/team/one/manifests/old")).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        var digest = Samples.DigestOf(layer);
        registry.Remove(digest);
        await registry.ShouldBeMissedAsync($"/v2/team/one/blobs/{digest}");
        var id = (await registry.IncidentAsync(digest)).Id;

        var report = await registry.Admin.GetFromJsonAsync<IncidentReport>($"/api/v1/incidents/{id}", AdminJson.Answers);

        var impact = report!.Impact.ShouldNotBeNull();
        impact.Tags.Select(tag => $"{tag.Registry} {tag.Repository}:{tag.Tag}").ShouldBe(["test team/one:v1", "test team/one:v2", "test team/two:direct"]);
        impact.TagCount.ShouldBe(3);
        impact.Manifests.ShouldBe(4);
        impact.TrashedTags.Select(tag => tag.Tag).ShouldBe(["old"]);
        impact.Tags[0].Digest.ShouldBe(Samples.DigestOf(index).ToString());
        report.Incident.Advice.ShouldNotBeNull().ShouldContain("team/one:v1");
    }

    [Fact, Promise("P8")]
    public async Task Acknowledge_OfAnOpenIncident_IsRememberedWithWho()
    {
        var digest = await LoseAsync(20);
        var id = (await registry.IncidentAsync(digest)).Id;
        using var response = await registry.Admin.PostAsync($"/api/v1/incidents/{id}/acknowledge", null);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);

        var known = await registry.IncidentAsync(digest);
        known.State.ShouldBe("acknowledged");
        known.AcknowledgedBy.ShouldNotBeNull().ShouldStartWith("local:");
        var page = await registry.IncidentsAsync("state=open&kind=blob-missing");
        page.Acknowledged.ShouldBeGreaterThan(0);
        page.Open.ShouldBeGreaterThanOrEqualTo(page.Acknowledged);
        (await MetricAsync("holdfast_incidents_acknowledged")).ShouldBe(page.Acknowledged);
        (await MetricAsync("holdfast_incidents_open{kind=\"blob-missing\"}")).ShouldBe(page.Open);
        (await MetricAsync("holdfast_incidents_open{kind=\"retention-guard\"}")).ShouldBe(0);
    }

    [Fact]
    public async Task List_InPages_HasEveryIncidentOnceTheNewestFirst()
    {
        for (var i = 0; i < 7; i++)
            await LoseAsync(30 + i);
        var whole = (await registry.IncidentsAsync("state=all&limit=1000")).Incidents.Select(incident => incident.Id).ToList();
        whole.ShouldBe(whole.OrderDescending());
        var paged = new List<long>();
        for (var after = ""; ;)
        {
            var page = await registry.IncidentsAsync($"state=all&limit=3{after}");
            paged.AddRange(page.Incidents.Select(incident => incident.Id));
            if (page.Next is null)
                break;
            page.Incidents.Count.ShouldBe(3);
            after = "&after=" + page.Next;
        }
        paged.ShouldBe(whole);
        (await registry.IncidentsAsync("state=all&since=2100-01-01")).Incidents.ShouldBeEmpty();
        (await registry.IncidentsAsync("kind=certificate")).Incidents.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("?state=broken", 400)]
    [InlineData("?kind=broken", 400)]
    [InlineData("?limit=0", 400)]
    [InlineData("?limit=1001", 400)]
    [InlineData("?after=-1", 400)]
    [InlineData("?since=yesterday", 400)]
    [InlineData("/999999", 404)]
    [InlineData("/seven", 400)]
    [InlineData("/watch?after=x", 400)]
    public async Task Request_ThatIsWrong_IsRefusedWithASentence(string rest, int status)
    {
        using var response = await registry.Admin.GetAsync("/api/v1/incidents" + rest);
        ((int)response.StatusCode).ShouldBe(status);
        (await response.Content.ReadAsStringAsync()).ShouldContain("message");
    }

    [Fact, Promise("P8")]
    public async Task Watch_FromACursor_TellsEveryChangeAfterIt()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var first = await LoseAsync(40);
        var cursor = await CursorOfAsync(first, limit.Token);
        var second = await LoseAsync(41);
        await registry.PushBlobAsync("team/app", Samples.Bytes(40, 1000));

        var told = new List<IncidentChange>();
        await foreach (var change in WatchAsync($"?after={cursor}", limit.Token))
        {
            told.Add(change);
            if (change.Incident.Subject == first.ToString() && change.Incident.State == "healed")
                break;
        }
        told.ShouldContain(change => change.Incident.Subject == second.ToString() && change.Incident.State == "open");
        told.Select(change => long.Parse(change.Cursor, System.Globalization.CultureInfo.InvariantCulture)).ShouldBeInOrder();
    }

    private async Task<string> CursorOfAsync(Digest digest, CancellationToken token)
    {
        await foreach (var change in WatchAsync("?after=0", token))
        {
            if (change.Incident.Subject == digest.ToString())
                return change.Cursor;
        }
        throw new InvalidOperationException("the watch ended");
    }

    private async IAsyncEnumerable<IncidentChange> WatchAsync(
        string query, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken token)
    {
        using var response = await registry.Admin.GetAsync("/api/v1/incidents/watch" + query, HttpCompletionOption.ResponseHeadersRead, token);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(token));
        while (await lines.ReadLineAsync(token) is { } line)
        {
            if (!line.StartsWith("{\"progress\"", StringComparison.Ordinal))
                yield return JsonSerializer.Deserialize<IncidentChange>(line, AdminJson.Answers)!;
        }
    }

    private async Task<Digest> LoseAsync(int seed)
    {
        var digest = await registry.PushBlobAsync("team/app", Samples.Bytes(seed, 1000));
        registry.Remove(digest);
        await registry.ShouldBeMissedAsync($"/v2/team/app/blobs/{digest}");
        return digest;
    }

    private async Task<long> MetricAsync(string name)
    {
        var text = await registry.Http.GetStringAsync("/metrics");
        var line = text.Split('\n').Single(line => line.StartsWith(name + " ", StringComparison.Ordinal));
        return long.Parse(line[(name.Length + 1)..], System.Globalization.CultureInfo.InvariantCulture);
    }
}
