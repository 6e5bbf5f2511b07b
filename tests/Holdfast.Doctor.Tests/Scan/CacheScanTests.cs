using Holdfast.Doctor.Scan;
using Holdfast.Oci;

namespace Holdfast.Doctor.Tests.Scan;

public sealed class CacheScanTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    // FACTS of April 2026: 156 indexes with 632 absent children, all normal; 2,335 of 2,556 layer links without data.
    [Fact]
    public async Task Run_CacheThatFetchedLittle_FindsNothing()
    {
        var cache = new FakeRegistry(_folder.Path, isCache: true);
        for (var i = 0; i < 156; i++)
        {
            var children = Enumerable.Range(0, i < 8 ? 5 : 4).Select(_ => cache.PutImage("library/app", layers: 1)).ToList();
            var fetched = cache.PutImage("library/app", layers: 1);
            cache.PutIndex("library/app", $"v{i}", children.Append(fetched).Select(child => child.Manifest));
            foreach (var child in children)
            {
                cache.CollectChild("library/app", child);
                cache.DropData(child.Manifest.Digest);
            }
            if (i % 2 == 0)
                cache.DropData(fetched.Layers[0].Digest);
        }

        var report = await Scanning.RunAsync(cache);

        report.Findings.ShouldBeEmpty();
        (report.Counts.PartialIndexes, report.Counts.AbsentChildren).ShouldBe((156, 632));
        report.Counts.BrokenTags.ShouldBe(0);
    }

    [Fact]
    public async Task Run_CacheWithDamagedData_FindsJustThat()
    {
        var cache = new FakeRegistry(_folder.Path, isCache: true);
        var image = cache.PutImage("library/app", "v1", layers: 3);
        await File.WriteAllBytesAsync(cache.DataFile(image.Layers[0].Digest), [], TestContext.Current.CancellationToken);
        await File.AppendAllTextAsync(cache.DataFile(image.Layers[1].Digest), "x", TestContext.Current.CancellationToken);
        cache.DropData(image.Layers[2].Digest);

        var report = await Scanning.RunAsync(cache);

        report.Findings.Select(finding => (finding.Kind, finding.Digest)).ShouldBe(
            [(DamageKind.Data, image.Layers[0].Digest), (DamageKind.Data, image.Layers[1].Digest)], ignoreOrder: true);
    }

    [Fact]
    public async Task Run_HostedBesideACache_NamesTheCacheAsDonor()
    {
        var hosted = new FakeRegistry(_folder.Path + "/hosted");
        var cache = new FakeRegistry(_folder.Path + "/cache", isCache: true);
        var image = hosted.PutImage("app", "v1", layers: 1);
        cache.PutData(await File.ReadAllBytesAsync(hosted.DataFile(image.Layers[0].Digest), TestContext.Current.CancellationToken));
        hosted.DropData(image.Layers[0].Digest);

        var report = await Scanning.RunAsync(_folder.Path);

        var finding = report.Registries.Single(registry => !registry.Folder.IsCache).Findings.ShouldHaveSingleItem();
        (finding.Kind, finding.Donors.ShouldHaveSingleItem()).ShouldBe((DamageKind.Shell, $"{_folder.Path}/cache (all)"));
    }
}
