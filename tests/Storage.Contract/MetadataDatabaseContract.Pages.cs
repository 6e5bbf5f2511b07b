using Holdfast.Oci;
using Holdfast.Storage.Metadata;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Storage.Contract;

public abstract partial class MetadataDatabaseContract
{
    [Fact]
    public async Task ListTags_InPages_GivesEachOnceInAsciiOrder()
    {
        string[] tags = ["_x", "v1", "V1", "v1.0", "v1-rc", "v10", "v2", "latest", "Z", "a", "0"];
        await PutImageAsync("app", App, tags);
        await PutImageAsync("other", Other, "elsewhere");
        var expected = tags.Order(StringComparer.Ordinal).ToList();
        for (var limit = 1; limit <= tags.Length + 1; limit++)
            (await PageThroughAsync((session, last) => Tags.List(session, App, last, limit))).ShouldBe(expected);
    }

    [Fact]
    public async Task ListTags_LastIsNoTag_BeginsAfterWhereItWouldStand()
    {
        await PutImageAsync("app", App, "a", "c");
        var page = await QueryAsync(session => Tags.List(session, App, "b", 10));
        page.Names.ShouldBe(["c"]);
        page.HasMore.ShouldBeFalse();
    }

    [Fact]
    public async Task ListTags_LimitZero_IsEmptyAndTellsOfMore()
    {
        await PutImageAsync("app", App, "a");
        var page = await QueryAsync(session => Tags.List(session, App, null, 0));
        page.Names.ShouldBeEmpty();
        page.HasMore.ShouldBeTrue();
    }

    [Fact]
    public async Task ListRepositories_InPages_GivesThoseWithManifestsInAsciiOrder()
    {
        string[] names = ["b", "a/b", "a", "a-b", "a.b", "zz/1/2", "a/b/c", "a0"];
        foreach (var name in names)
            await PutImageAsync(name, new RepositoryKey(App.Registry, RepositoryName.Parse(name)));
        await LinkAsync("only a blob", Other);
        var elsewhere = await ChangeAsync(session => Registries.Ensure(session, "second"));
        await PutImageAsync("x", new RepositoryKey(elsewhere, RepositoryName.Parse("elsewhere")));

        var expected = names.Order(StringComparer.Ordinal).ToList();
        for (var limit = 1; limit <= names.Length + 1; limit++)
            (await PageThroughAsync((session, last) => Repositories.List(session, App.Registry, last, limit))).ShouldBe(expected);
    }

    [Fact]
    public async Task ListReferrers_InPagesAndFiltered_GivesDescriptorsInDigestOrder()
    {
        var subject = await PutImageAsync("subject");
        for (var i = 0; i < 7; i++)
            await PutReferrerAsync(subject, $"referrer {i}", i % 2 == 0 ? "type/even" : "type/odd");

        var all = await PageReferrersAsync(subject.Digest, null, 3);
        all.Count.ShouldBe(7);
        all.Select(row => row.Digest).ShouldBe(all.Select(row => row.Digest).Order());
        all[0].AnnotationsJson.ShouldBe("""{"a":"b"}""");
        all[0].MediaType.ShouldBe(MediaTypes.OciManifest);
        all.ShouldAllBe(row => row.SizeBytes == "referrer 0".Length);

        var odd = await PageReferrersAsync(subject.Digest, "type/odd", 2);
        odd.Count.ShouldBe(3);
        odd.ShouldAllBe(row => row.ArtifactType == "type/odd");
        (await PageReferrersAsync(Content("nothing refers to this").Digest, null, 2)).ShouldBeEmpty();
    }

    [Fact, Promise("P10")]
    public async Task Referrers_LargeAnnotations_EndThePageByTheirBytes()
    {
        var subject = await PutImageAsync("subject of many words");
        var annotations = $$"""{"a":"{{new string('x', 10_000)}}"}""";
        for (var i = 0; i < 5; i++)
            await PutReferrerAsync(subject, $"wordy {i}", "type/wordy", annotations);

        var found = new List<Digest>();
        for (var hasMore = true; hasMore;)
        {
            var last = found.Count == 0 ? default : found[^1];
            var page = await QueryAsync(session => Referrers.List(session, App, subject.Digest, null, last, new PageLimit(1000, 15_000)));
            page.Referrers.Count.ShouldBeLessThanOrEqualTo(2);
            found.AddRange(page.Referrers.Select(row => row.Digest));
            hasMore = page.HasMore;
        }
        found.Count.ShouldBe(5);
        found.ShouldBe(found.Order());
    }

    [Fact]
    public async Task Uploads_AddListRemove_SurviveARestart()
    {
        var started = DateTimeOffset.FromUnixTimeMilliseconds(Now);
        var upload = new UploadRow(Guid.NewGuid(), App, DigestAlgorithm.Sha512, started);
        await ChangeAsync(session => Uploads.Add(session, upload));
        await RestartAsync();
        (await QueryAsync(Uploads.List)).ShouldBe([upload]);
        await ChangeAsync(session => Uploads.Remove(session, upload.Id));
        (await QueryAsync(Uploads.List)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Registries_EnsureTwice_IsOneId()
    {
        (await ChangeAsync(session => Registries.Ensure(session, "private"))).ShouldBe(App.Registry);
        (await ChangeAsync(session => Registries.Ensure(session, "Private"))).ShouldNotBe(App.Registry);
    }

    private async Task PutReferrerAsync(
        ManifestPut subject, string payload, string artifactType, string annotations = """{"a":"b"}""") => (await PutAsync(Putting(App, payload, new Manifest
        {
            MediaType = MediaTypes.OciManifest,
            ArtifactType = artifactType,
            Subject = AsChild(subject),
            AnnotationsJson = annotations,
        }))).IsWhole.ShouldBeTrue();

    private async Task<List<ReferrerRow>> PageReferrersAsync(Digest subject, string? artifactType, int limit)
    {
        var all = new List<ReferrerRow>();
        while (true)
        {
            var last = all.Count == 0 ? default : all[^1].Digest;
            var page = await QueryAsync(session => Referrers.List(session, App, subject, artifactType, last, new PageLimit(limit, long.MaxValue)));
            all.AddRange(page.Referrers);
            if (!page.HasMore)
                return all;
            page.Referrers.Count.ShouldBe(limit);
        }
    }

    private async Task<List<string>> PageThroughAsync(Func<MetadataSession, string?, NamePage> list)
    {
        var all = new List<string>();
        while (true)
        {
            var last = all.Count == 0 ? null : all[^1];
            var page = await QueryAsync(session => list(session, last));
            all.AddRange(page.Names);
            if (!page.HasMore)
                return all;
            page.Names.ShouldNotBeEmpty();
        }
    }
}
