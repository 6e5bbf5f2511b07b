using Holdfast.Client.Walk;
using Holdfast.Oci;
using Holdfast.Testing;
using Microsoft.AspNetCore.Http;
using Shouldly;
using Xunit;

namespace Holdfast.Client.Tests.Walk;

/// <summary>What a walk looks at, what it calls wrong, and how it says where.</summary>
public class ClosureWalkTests
{
    [Fact]
    public async Task Walk_OfAWholeIndex_ReadsEveryObjectOnceAndFindsNothing()
    {
        var content = new FakeContent();
        content.Tags["v1"] = content.AddIndex((content.AddImage(1), "linux/amd64"), (content.AddImage(2), "linux/arm64"));
        await using var upstream = await content.StartAsync();

        var report = await Walking.ReferenceAsync(upstream, "v1");

        report.Roots.Single().IsWhole.ShouldBeTrue();
        var blobs = upstream.Requests.Where(seen => seen.Target.Contains("/blobs/", StringComparison.Ordinal)).ToList();
        blobs.ShouldAllBe(seen => seen.Method == "GET");
        blobs.Select(seen => seen.Target).Distinct().Count().ShouldBe(6);
        blobs.Count.ShouldBe(6);
    }

    [Theory]
    [InlineData("missing", FindingKind.Missing)]
    [InlineData("other bytes", FindingKind.WrongBytes)]
    [InlineData("fewer bytes", FindingKind.WrongSize)]
    [InlineData("more bytes", FindingKind.WrongSize)]
    [InlineData("no bytes", FindingKind.Unreadable)]
    [InlineData("half of the bytes", FindingKind.Unreadable)]
    [InlineData("a fault", FindingKind.Unchecked)]
    [InlineData("refused", FindingKind.Unchecked)]
    [InlineData("a page", FindingKind.Unreadable)]
    [InlineData("packed", FindingKind.Unreadable)]
    [Promise("P6")]
    public async Task Walk_OfADamagedLayer_SaysWhichOfWhichPlatformAndWhat(string damage, FindingKind kind)
    {
        var content = new FakeContent();
        var image = content.AddImage(2, layers: 3);
        content.Tags["v1"] = content.AddIndex((content.AddImage(1), "linux/amd64"), (image, "linux/arm64"));
        var layer = Samples.DigestOf(Samples.Bytes(201, 1_000));
        content.Instead = (context, path) => path.EndsWith($"/blobs/{layer}", StringComparison.Ordinal) ? AnswerAsync(context, damage, content.Blobs[layer]) : FakeContent.AsUsual;
        await using var upstream = await content.StartAsync();

        var finding = (await Walking.ReferenceAsync(upstream, "v1")).OnlyFinding();

        finding.Problem.Kind.ShouldBe(kind, finding.Problem.Answer);
        finding.Platform.ShouldBe("linux/arm64");
        finding.Object.ShouldBe(new WalkStep(StepRole.Layer, "2 of 3", layer, "application/vnd.oci.image.layer.v1.tar", 1_000));
        finding.Path.Select(step => step.Role).ShouldBe([StepRole.Root, StepRole.Child, StepRole.Layer]);
        finding.Path[1].Digest.ShouldBe(image);
    }

    private static Task AnswerAsync(HttpContext context, string damage, byte[] bytes)
    {
        switch (damage)
        {
            case "missing":
                return context.AnswerAsync(404, """{"errors":[{"code":"BLOB_UNKNOWN","message":"gone"}]}""");
            case "other bytes":
                return context.SendAsync(Samples.Bytes(9, bytes.Length));
            case "fewer bytes":
                return context.SendAsync(bytes[..500]);
            case "more bytes":
                return context.SendAsync([.. bytes, .. bytes]);
            case "no bytes":
                return context.BreakAsync(bytes, 0);
            case "half of the bytes":
                return context.Request.Headers.Range.Count > 0 ? context.BreakAsync(bytes, 0) : context.BreakAsync(bytes, 500);
            case "a fault":
                return context.AnswerAsync(500);
            case "refused":
                return context.AnswerAsync(403);
            case "a page":
                context.Response.ContentType = "text/html";
                return context.SendAsync("<html>sign in</html>"u8.ToArray());
            default:
                context.Response.Headers.ContentEncoding = "gzip";
                return context.SendAsync(bytes);
        }
    }

    [Fact]
    public async Task Walk_OfABlobThatHeadKnowsAndGetDoesNot_IsFooledByHeadAlone()
    {
        var content = new FakeContent();
        content.Tags["v1"] = content.AddImage(1, layers: 1);
        var layer = Samples.DigestOf(Samples.Bytes(100, 1_000));
        content.Instead = (context, path) => path.EndsWith($"/blobs/{layer}", StringComparison.Ordinal) && context.Request.Method == "GET" ? context.BreakAsync(content.Blobs[layer], 0) : FakeContent.AsUsual;
        await using var upstream = await content.StartAsync();

        (await Walking.ReferenceAsync(upstream, "v1", new WalkOptions { Fast = true })).FindingCount.ShouldBe(0);
        var finding = (await Walking.ReferenceAsync(upstream, "v1")).OnlyFinding();

        finding.Problem.Kind.ShouldBe(FindingKind.Unreadable);
        finding.Problem.ReceivedBytes.ShouldBe(0);
        // A registry that has lost the bytes is not asked five times for them.
        upstream.Requests.Count(seen => seen.Method == "GET" && seen.Target.EndsWith(layer.ToString(), StringComparison.Ordinal)).ShouldBe(2);
    }

    [Fact]
    public async Task Walk_Fast_AsksForBlobsByHeadAndComparesSizes()
    {
        var content = new FakeContent();
        content.Tags["v1"] = content.AddImage(1);
        var layer = Samples.DigestOf(Samples.Bytes(101, 1_000));
        content.Instead = (context, path) => path.EndsWith($"/blobs/{layer}", StringComparison.Ordinal) ? context.SendAsync(new byte[999]) : FakeContent.AsUsual;
        await using var upstream = await content.StartAsync();

        var finding = (await Walking.ReferenceAsync(upstream, "v1", new WalkOptions { Fast = true })).OnlyFinding();

        finding.Problem.Kind.ShouldBe(FindingKind.WrongSize);
        finding.Object.Digest.ShouldBe(layer);
        upstream.Requests.Where(seen => seen.Target.Contains("/blobs/", StringComparison.Ordinal)).ShouldAllBe(seen => seen.Method == "HEAD");
    }

    [Fact]
    public async Task Walk_OfManyTagsWithOneLayer_ReadsItOnceAndBlamesEachTag()
    {
        var content = new FakeContent();
        var image = content.AddImage(1);
        var names = Enumerable.Range(0, 30).Select(i => $"v{i}").ToArray();
        foreach (var name in names)
            content.Tags[name] = content.AddIndex((image, "linux/amd64"), (content.AddImage(int.Parse(name[1..]) + 10, layers: 0), "linux/arm64"));
        var layer = Samples.DigestOf(Samples.Bytes(100, 1_000));
        content.Blobs.TryRemove(layer, out _);
        await using var upstream = await content.StartAsync();

        var report = await Walking.TagsAsync(upstream, null, names);

        report.Roots.Count.ShouldBe(30);
        report.Roots.ShouldAllBe(root => root.Findings.Count == 1);
        upstream.Requests.Count(seen => seen.Target.EndsWith(layer.ToString(), StringComparison.Ordinal)).ShouldBe(1);
    }

    [Fact]
    public async Task Walk_OfTwoRepositories_ReadsABlobOnceAndAsksEachForIt()
    {
        var content = new FakeContent();
        content.Tags["v1"] = content.AddImage(1);
        await using var upstream = await content.StartAsync();
        using var client = new RegistryClient(Walking.Options(upstream.Address));
        using var walk = new ClosureWalk(client, new WalkOptions());

        foreach (var name in new[] { "one", "two" })
            (await walk.WalkAsync(RepositoryName.Parse(name), Tag.Parse("v1"), "v1", CancellationToken.None)).FindingCount.ShouldBe(0);

        var blobs = upstream.Requests.Where(seen => seen.Target.Contains("/blobs/", StringComparison.Ordinal)).ToList();
        blobs.Where(seen => seen.Target.StartsWith("/v2/one/", StringComparison.Ordinal)).ShouldAllBe(seen => seen.Method == "GET");
        blobs.Where(seen => seen.Target.StartsWith("/v2/two/", StringComparison.Ordinal)).ShouldAllBe(seen => seen.Method == "HEAD");
        blobs.Count.ShouldBe(6);
    }

    [Fact]
    public async Task Walk_OfAMissingChild_LeavesTheOtherPlatformsAlone()
    {
        var content = new FakeContent();
        var child = content.AddImage(2);
        content.Tags["v1"] = content.AddIndex((content.AddImage(1), "linux/amd64"), (child, "linux/arm64"));
        content.Manifests.TryRemove(child, out _);
        await using var upstream = await content.StartAsync();

        var finding = (await Walking.ReferenceAsync(upstream, "v1")).OnlyFinding();

        finding.Problem.Kind.ShouldBe(FindingKind.Missing);
        finding.Object.Name.ShouldBe("linux/arm64");
        finding.Problem.Code.ShouldBe("UNKNOWN");
    }

    [Fact]
    public async Task Walk_OfANestedIndex_GoesDownToTheLayers()
    {
        var content = new FakeContent();
        content.Tags["v1"] = content.AddIndex((content.AddIndex((content.AddImage(1, layers: 1), "linux/amd64")), ""));
        content.Blobs.TryRemove(Samples.DigestOf(Samples.Bytes(100, 1_000)), out _);
        await using var upstream = await content.StartAsync();

        (await Walking.ReferenceAsync(upstream, "v1")).OnlyFinding().Path.Select(step => step.Role)
            .ShouldBe([StepRole.Root, StepRole.Child, StepRole.Child, StepRole.Layer]);
    }

    [Theory]
    [InlineData("""{"schemaVersion":2}""")]
    [InlineData("[]")]
    [InlineData("<html>")]
    [InlineData("""{"manifests":[{"digest":"sha256:short","size":1}]}""")]
    [InlineData("""{"manifests":{}}""")]
    [InlineData("""{"config":{"digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size":-1}}""")]
    [InlineData("""{"layers":[7]}""")]
    [InlineData("""{"manifests":[],"layers":[]}""")]
    [InlineData("""{"schemaVersion":1,"fsLayers":[]}""")]
    public async Task Walk_OfAManifestThatNobodyCanUse_IsUnusable(string body)
    {
        var content = new FakeContent();
        content.Tags["v1"] = content.AddManifest(body);
        await using var upstream = await content.StartAsync();

        (await Walking.ReferenceAsync(upstream, "v1")).OnlyFinding().Problem.Kind.ShouldBe(FindingKind.Unusable);
    }

    [Fact]
    public async Task Walk_OfAnIndexWithoutMediaType_ReadsItsMembers()
    {
        var content = new FakeContent();
        var child = content.AddImage(1);
        content.Tags["v1"] = content.AddManifest($"{{\"schemaVersion\":2,\"manifests\":[{content.Entry(MediaTypes.OciManifest, child)}]}}");
        content.Manifests.TryRemove(child, out _);
        await using var upstream = await content.StartAsync();

        (await Walking.ReferenceAsync(upstream, "v1")).OnlyFinding().Object.Role.ShouldBe(StepRole.Child);
    }

    [Fact]
    public async Task Walk_OfAnIndexThatMisstatesAChildsSize_IsAFinding()
    {
        var content = new FakeContent();
        var child = content.AddImage(1);
        content.Tags["v1"] = content.AddManifest($"{{\"schemaVersion\":2,\"manifests\":[{{\"mediaType\":\"{MediaTypes.OciManifest}\",\"digest\":\"{child}\",\"size\":7}}]}}", MediaTypes.OciIndex);
        await using var upstream = await content.StartAsync();

        (await Walking.ReferenceAsync(upstream, "v1")).OnlyFinding().Problem.Kind.ShouldBe(FindingKind.WrongSize);
    }

    [Fact]
    public async Task Walk_OfForeignLayers_AsksForNoneOfThem()
    {
        var content = new FakeContent();
        var config = content.AddBlob("{}"u8.ToArray());
        var foreign = content.AddBlob("elsewhere"u8.ToArray());
        content.Tags["v1"] = content.AddManifest($$"""
            {"schemaVersion":2,"config":{{content.Entry("application/vnd.oci.image.config.v1+json", config)}},"layers":[{{content.Entry(MediaTypes.DockerForeignLayer, foreign)}}]}
            """);
        content.Blobs.TryRemove(foreign, out _);
        await using var upstream = await content.StartAsync();

        (await Walking.ReferenceAsync(upstream, "v1")).FindingCount.ShouldBe(0);
    }

    [Fact]
    public async Task Walk_WithManyObjects_AsksNoMoreThanItMayAtOnce()
    {
        var content = new FakeContent();
        content.Tags["v1"] = content.AddIndex([.. Enumerable.Range(1, 10).Select(i => (content.AddImage(i, layers: 8), $"linux/a{i}"))]);
        await using var upstream = await content.StartAsync();

        (await Walking.ReferenceAsync(upstream, "v1", new WalkOptions { Parallel = 3 })).FindingCount.ShouldBe(0);

        content.MostAtOnce.ShouldBeInRange(1, 3);
    }

    [Fact]
    public async Task Walk_OfAnIndexThatListsItselfManyWaysDown_EndsAfterEachOnce()
    {
        // Two ways at each of 40 levels are more paths than anyone can walk.
        var content = new FakeContent();
        var below = content.AddImage(1);
        for (var level = 0; level < 40; level++)
            below = content.AddIndex((below, "linux/amd64"), (below, "linux/arm64"));
        content.Tags["v1"] = below;
        await using var upstream = await content.StartAsync();

        (await Walking.ReferenceAsync(upstream, "v1")).FindingCount.ShouldBe(0);
    }

    [Fact]
    public async Task Walk_OfAnIndexDeeperThanAnybodyNeeds_IsAFindingAndEnds()
    {
        var content = new FakeContent();
        var below = content.AddImage(1);
        for (var level = 0; level < 100; level++)
            below = content.AddIndex((below, ""));
        content.Tags["v1"] = below;
        await using var upstream = await content.StartAsync();

        (await Walking.ReferenceAsync(upstream, "v1")).OnlyFinding().Problem.Answer.ShouldContain("deeper");
    }
}
