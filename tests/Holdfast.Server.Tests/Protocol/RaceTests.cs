using System.Diagnostics;
using System.Net;
using System.Text.Json;
using Holdfast.Oci;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Protocol;

/// <summary>Pushes that race with deletes of what they refer to: one of the two is refused, and whatever tag resolves pulls whole.</summary>
public sealed class RaceTests(RegistryFixture registry) : IClassFixture<RegistryFixture>
{
    private const int Rounds = 240;
    private const int AtOnce = 8;

    private static readonly byte[] Config = Samples.Bytes(4711, 60);

    [Fact, Promise("P2"), Promise("P3")]
    public async Task PushOfAnIndex_RacingWithTheDeleteOfItsChild_EndsWithBothOrNeither()
    {
        await registry.PushBlobAsync("race/index", Config);
        var (pushed, deleted) = await RaceAsync(async random =>
        {
            var (child, index) = await PushChildAsync(random);
            return (() => registry.PutManifestAsync("race/index", $"i{random.Next(20)}", index, MediaTypes.OciIndex),
                () => registry.DeleteAsync($"/v2/race/index/manifests/{Samples.DigestOf(child)}"));
        });
        (pushed + deleted).ShouldBe(Rounds, "one of the two wins every round");
        await ShouldBeWholeAsync("race/index");
    }

    [Fact, Promise("P2"), Promise("P3")]
    public async Task PushOfAManifest_RacingWithTheDeleteOfItsLayer_EndsWithBothOrNeither()
    {
        await registry.PushBlobAsync("race/layer", Config);
        var (pushed, deleted) = await RaceAsync(async random =>
        {
            var layer = Samples.Bytes(random.Next(), 100);
            await registry.PushBlobAsync("race/layer", layer);
            return (() => registry.PutManifestAsync("race/layer", $"i{random.Next(20)}", Samples.Image(Config, layer)),
                () => registry.DeleteAsync($"/v2/race/layer/blobs/{Samples.DigestOf(layer)}"));
        });
        (pushed + deleted).ShouldBe(Rounds, "one of the two wins every round");
        await ShouldBeWholeAsync("race/layer");
    }

    [Fact, Promise("P2"), Promise("P3")]
    public async Task Retag_RacingWithDeletesOfTheTagAndOfBothManifests_NeverDangles()
    {
        await registry.PushBlobAsync("race/tag", Config);
        await RaceAsync(async random =>
        {
            var layers = new[] { Samples.Bytes(random.Next(8), 100), Samples.Bytes(random.Next(8), 100) };
            foreach (var layer in layers)
                await registry.PushBlobAsync("race/tag", layer);
            var tag = $"t{random.Next(4)}";
            await Task.WhenAll(layers.Select(layer => registry.PutManifestAsync("race/tag", tag, Samples.Image(Config, layer))));
            var target = random.Next(3) == 0 ? tag : Samples.DigestOf(Samples.Image(Config, layers[random.Next(2)])).ToString();
            return (() => registry.PutManifestAsync("race/tag", tag, Samples.Image(Config, layers[random.Next(2)])),
                () => registry.DeleteAsync($"/v2/race/tag/manifests/{target}"));
        });
        await ShouldBeWholeAsync("race/tag");
    }

    [Fact, Promise("P2")]
    public async Task Mount_RacingWithTheDeleteOfItsSource_GivesABlobOrAnUpload()
    {
        await RaceAsync(async random =>
        {
            var layer = Samples.Bytes(random.Next(), 100);
            var digest = await registry.PushBlobAsync("race/source", layer);
            return (() => MountAsync(layer), () => registry.DeleteAsync($"/v2/race/source/blobs/{digest}"));
        });
        await ShouldBeConsistentAsync();
    }

    private async Task<(byte[] Child, byte[] Index)> PushChildAsync(Random random)
    {
        var layer = Samples.Bytes(random.Next(), 100);
        await registry.PushBlobAsync("race/index", layer);
        var child = Samples.Image(Config, layer);
        await registry.PushManifestAsync("race/index", null, child);
        return (child, Samples.Index(child));
    }

    private async Task<HttpResponseMessage> MountAsync(byte[] layer)
    {
        var digest = Samples.DigestOf(layer);
        var mount = await registry.SendAsync(HttpMethod.Post, $"/v2/race/mounted/blobs/uploads/?mount={digest}&from=race/source");
        mount.StatusCode.ShouldBeOneOf(HttpStatusCode.Created, HttpStatusCode.Accepted);
        if (mount.StatusCode == HttpStatusCode.Created)
            (await registry.Http.GetByteArrayAsync($"/v2/race/mounted/blobs/{digest}")).ShouldBe(layer);
        return mount;
    }

    // Each round prepares something, then lets a push go, and a delete at a random point of the time that the push before took.
    private static async Task<(int Pushed, int Deleted)> RaceAsync(
        Func<Random, Task<(Func<Task<HttpResponseMessage>> Push, Func<Task<HttpResponseMessage>> Delete)>> prepare)
    {
        var (pushed, deleted, pushTicks) = (0, 0, TimeSpan.TicksPerMillisecond);
        await Parallel.ForAsync(0, Rounds, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (seed, _) =>
        {
            var random = new Random(seed);
            var (push, delete) = await prepare(random);
            var pause = TimeSpan.FromTicks((long)(Volatile.Read(ref pushTicks) * 1.5 * random.NextDouble()));
            var started = Stopwatch.GetTimestamp();
            var pushing = push();
            await Task.WhenAny(pushing, Task.Delay(pause, CancellationToken.None));
            using var deleteAnswer = await delete();
            using var pushAnswer = await pushing;
            Volatile.Write(ref pushTicks, Math.Max(TimeSpan.TicksPerMillisecond, Stopwatch.GetElapsedTime(started).Ticks));
            ((int)pushAnswer.StatusCode).ShouldBeOneOf([201, 202, 400], $"seed {seed}");
            ((int)deleteAnswer.StatusCode).ShouldBeOneOf([202, 404, 409], $"seed {seed}");
            if (pushAnswer.StatusCode == HttpStatusCode.BadRequest)
                (await pushAnswer.ErrorAsync()).Code.ShouldBe("MANIFEST_BLOB_UNKNOWN", $"seed {seed}");
            if (pushAnswer.StatusCode == HttpStatusCode.Created)
                Interlocked.Increment(ref pushed);
            if (deleteAnswer.StatusCode == HttpStatusCode.Accepted)
                Interlocked.Increment(ref deleted);
        });
        return (pushed, deleted);
    }

    private async Task ShouldBeWholeAsync(string repository)
    {
        await ShouldBeConsistentAsync();
        using var tags = await registry.GetAsync($"/v2/{repository}/tags/list");
        foreach (var tag in (await tags.JsonAsync()).GetProperty("tags").EnumerateArray())
            await ShouldPullAsync(repository, tag.GetString()!);
    }

    private async Task ShouldPullAsync(string repository, string reference)
    {
        using var response = await registry.GetAsync($"/v2/{repository}/manifests/{reference}");
        response.StatusCode.ShouldBe(HttpStatusCode.OK, $"{repository}:{reference}");
        var manifest = await response.JsonAsync();
        foreach (var child in Members(manifest, "manifests"))
            await ShouldPullAsync(repository, child.GetProperty("digest").GetString()!);
        foreach (var blob in Members(manifest, "layers"))
        {
            var bytes = await registry.Http.GetByteArrayAsync($"/v2/{repository}/blobs/{blob.GetProperty("digest").GetString()}");
            Samples.DigestOf(bytes).ToString().ShouldBe(blob.GetProperty("digest").GetString());
        }
    }

    private static JsonElement.ArrayEnumerator Members(JsonElement manifest, string name) =>
        manifest.TryGetProperty(name, out var members) ? members.EnumerateArray() : default;

    private async Task ShouldBeConsistentAsync()
    {
        (await registry.CountAsync("SELECT COUNT(*) FROM pragma_foreign_key_check")).ShouldBe(0);
        foreach (var dangling in new[]
        {
            "manifest_children c LEFT JOIN manifests m ON m.id = c.child_id AND m.repository_id = c.repository_id WHERE m.id IS NULL",
            "manifest_blobs e LEFT JOIN links l ON l.repository_id = e.repository_id AND l.blob_id = e.blob_id WHERE l.blob_id IS NULL",
            "tags t LEFT JOIN manifests m ON m.id = t.manifest_id AND m.repository_id = t.repository_id WHERE m.id IS NULL",
            "links l LEFT JOIN blobs b ON b.id = l.blob_id WHERE b.id IS NULL",
            "manifests m LEFT JOIN manifest_payloads p ON p.blob_id = m.blob_id WHERE p.blob_id IS NULL",
        })
            (await registry.CountAsync($"SELECT COUNT(*) FROM {dangling}")).ShouldBe(0, dangling);
    }
}
