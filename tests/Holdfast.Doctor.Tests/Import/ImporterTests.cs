using Holdfast.Doctor.Import;
using Holdfast.Doctor.Sources;
using Holdfast.Oci;
using Holdfast.Storage.Acceptance;

namespace Holdfast.Doctor.Tests.Import;

public sealed class ImporterTests : IAsyncLifetime
{
    private ImportFolder _folder = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private FakeRegistry Old => _folder.Old;

    public async ValueTask InitializeAsync() => _folder = await ImportFolder.CreateAsync();

    public ValueTask DisposeAsync() => _folder.DisposeAsync();

    [Fact]
    public async Task Run_WholeRegistry_TakesTagsUntaggedAndIndexesWithTheirPushTimes()
    {
        var shared = Old.PutBlob("team/app", "a base"u8, "application/vnd.oci.image.layer.v1.tar+gzip");
        var (one, two) = (Old.PutImage("team/app", shared: [shared]), Old.PutImage("team/app", shared: [shared]));
        var index = Old.PutIndex("team/app", "v1", [one.Manifest, two.Manifest]);
        var untagged = Old.PutImage("team/app");
        var other = Old.PutImage("a/b/c", "latest");
        var pushed = new DateTime(2024, 4, 1, 8, 0, 0, DateTimeKind.Utc);
        File.SetLastWriteTimeUtc(Old.TagFolder("team/app", "v1") + "/current/link", pushed);

        var report = await _folder.ImportAsync();

        (report.IsComplete, report.Repositories, report.Tags, report.Manifests, report.Copies).ShouldBe((true, 2, 2L, 5L, 0L));
        (report.HardLinks + report.Reflinks).ShouldBe(13); // Configs and layers; a manifest is put as bytes.
        (await _folder.FindAsync("team/app", "v1")).ShouldBe(index.Digest);
        (await _folder.FindAsync("team/app", untagged.Manifest.Digest.ToString())).ShouldNotBeNull();
        (await _folder.FindAsync("a/b/c", "latest")).ShouldBe(other.Manifest.Digest);
        var root = (await _folder.RootsAsync("team/app")).Single(root => root.Digest == index.Digest);
        root.Tags.Single().PushedAtMs.ShouldBe(new DateTimeOffset(pushed).ToUnixTimeMilliseconds());
        _folder.ShouldHaveLeftNothing();
    }

    [Fact]
    public async Task Run_Again_TakesOnlyTheRest()
    {
        Old.PutImage("team/app", "v1");
        await _folder.ImportAsync();
        var next = Old.PutImage("team/app", "v2");
        var moved = Old.PutImage("team/app", "v1");

        var report = await _folder.ImportAsync();

        (report.Tags, report.Manifests, report.IsComplete).ShouldBe((2L, 2L, true));
        (await _folder.FindAsync("team/app", "v1")).ShouldBe(moved.Manifest.Digest);
        (await _folder.FindAsync("team/app", "v2")).ShouldBe(next.Manifest.Digest);
        (await _folder.ImportAsync()).IsEmpty.ShouldBeTrue();
    }

    [Fact]
    public async Task Run_RepositoriesTakenAtTheSameTime_CountsWhatTheyShareOnce()
    {
        for (var i = 0; i < 8; i++)
            Old.PutImage($"team/app{i}", "v1", layers: 0, shared: [Old.PutBlob($"team/app{i}", "the layer of all"u8, "application/vnd.oci.image.layer.v1.tar+gzip")]);
        Old.DropData(Old.PutImage("team/broken", "v1").Layers[0].Digest);

        var report = await _folder.ImportAsync();

        (report.Repositories, report.Tags, report.Manifests).ShouldBe((9, 8L, 8L));
        report.Findings.ShouldHaveSingleItem().Repository.ToString().ShouldBe("team/broken");
        // Eight configs, and one layer between them.
        (report.HardLinks + report.Reflinks, report.Shared).ShouldBe((9L, 7L));
        for (var i = 0; i < 8; i++)
            (await _folder.FindAsync($"team/app{i}", "v1")).ShouldNotBeNull();
        _folder.ShouldHaveLeftNothing();
    }

    [Fact]
    public async Task Run_SameImporterAgain_FollowsATagThatWentBackToWhatItWas()
    {
        var (first, second) = (Old.PutImage("team/app", "v1"), Old.PutImage("team/app"));
        var importer = new Importer(_folder.Source(), _folder.Target(), ImportFolder.Options);
        await importer.RunAsync(Token);
        foreach (var image in new[] { second, first })
        {
            Old.PutTag("team/app", "v1", image.Manifest.Digest);
            (await importer.RunAsync(Token)).Tags.ShouldBe(1);
            (await _folder.FindAsync("team/app", "v1")).ShouldBe(image.Manifest.Digest);
        }
    }

    [Fact]
    public async Task Run_SameImporterAgain_SeesWhatCameSince()
    {
        Old.PutImage("team/app", "v1");
        var importer = new Importer(_folder.Source(), _folder.Target(), ImportFolder.Options);
        await importer.RunAsync(Token);
        (await importer.RunAsync(Token)).IsEmpty.ShouldBeTrue();
        var late = Old.PutImage("team/late", "v1");
        (await importer.RunAsync(Token)).Tags.ShouldBe(1);
        (await _folder.FindAsync("team/late", "v1")).ShouldBe(late.Manifest.Digest);
    }

    [Fact]
    public async Task Run_UnlinkedChildWhoseBytesAreWhole_TakesTheIndex()
    {
        var child = Old.PutImage("team/app");
        var index = Old.PutIndex("team/app", "v1", [child.Manifest]);
        Directory.Delete(Old.RevisionFolder("team/app", child.Manifest.Digest), recursive: true);

        (await _folder.ImportAsync()).IsComplete.ShouldBeTrue();
        (await _folder.FindAsync("team/app", "v1")).ShouldBe(index.Digest);
        (await _folder.FindAsync("team/app", child.Manifest.Digest.ToString())).ShouldNotBeNull();
    }

    [Theory]
    [InlineData("gone", "its bytes are not there")]
    [InlineData("wrong", "another digest")]
    [InlineData("empty", "0 bytes instead of")]
    [InlineData("shell", "its bytes are not there")]
    [InlineData("child", "its bytes are not there")]
    [InlineData("manifest", "other bytes under")]
    public async Task Run_DamagedImage_IsListedWithTheReasonAndNothingOfItIsTaken(string damage, string reason)
    {
        var child = Old.PutImage("team/app");
        var index = Old.PutIndex("team/app", "broken", [child.Manifest]);
        var whole = Old.PutImage("team/app", "whole");
        Damage(child, damage);

        var report = await _folder.ImportAsync();

        var finding = report.Findings.Single(finding => finding.Tag.ToString() == "broken");
        (finding.Kind, finding.Digest).ShouldBe((ImportFindingKind.NotWhole, index.Digest));
        string.Join(' ', finding.Reasons).ShouldContain(reason);
        report.Findings.ShouldAllBe(one => one.Tag.ToString() == "broken" || one.Digest == child.Manifest.Digest);
        (await _folder.FindAsync("team/app", "broken")).ShouldBeNull();
        (await _folder.FindAsync("team/app", index.Digest.ToString())).ShouldBeNull();
        (await _folder.FindAsync("team/app", child.Manifest.Digest.ToString())).ShouldBeNull();
        (await _folder.FindAsync("team/app", "whole")).ShouldBe(whole.Manifest.Digest);
        // Where a look tells, not even the blobs that are whole; only a wrong hash is found after they are in.
        if (damage is not "wrong")
            (await _folder.FindBlobAsync("team/app", child.Layers[1].Digest)).ShouldBeNull();
        _folder.ShouldHaveLeftNothing();
    }

    [Fact]
    public async Task Run_Trusted_TakesBytesUnhashedAndInDoubt()
    {
        var image = Old.PutImage("team/app", "v1");
        Damage(image, "wrong");

        (await _folder.ImportAsync(ImportFolder.Options with { IsTrusted = true })).IsComplete.ShouldBeTrue();
        (await _folder.FindBlobAsync("team/app", image.Layers[0].Digest)).ShouldNotBeNull().VerifiedAtMs.ShouldBe(0);
    }

    [Fact]
    public async Task Run_Copying_HashesEvenWhatIsTrusted()
    {
        var image = Old.PutImage("team/app", "v1");
        Damage(image, "wrong");
        var whole = Old.PutImage("team/app", "v2");

        var report = await _folder.ImportAsync(ImportFolder.Options with { IsTrusted = true }, target: _folder.Target(link: LinkKind.Copy));

        report.Findings.ShouldHaveSingleItem().Tag.ToString().ShouldBe("v1");
        (await _folder.FindAsync("team/app", "v2")).ShouldBe(whole.Manifest.Digest);
        _folder.ShouldHaveLeftNothing();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Run_ManyRepositoriesThatShareALayer_CopyItOnceAndTellOfItEach(bool isDamaged)
    {
        var shared = Old.PutBlob("r0/app", "a base that all have"u8, "application/vnd.oci.image.layer.v1.tar+gzip");
        for (var i = 0; i < 40; i++)
            Old.PutImage($"r{i}/app", "v1", shared: [shared]);
        if (isDamaged)
            await File.WriteAllBytesAsync(Old.DataFile(shared.Digest), "A base that all have"u8.ToArray(), Token);

        var report = await _folder.ImportAsync(target: _folder.Target(link: LinkKind.Copy));

        (report.Repositories, report.Tags, report.Manifests).ShouldBe(isDamaged ? (40, 0L, 0L) : (40, 40L, 40L));
        report.Findings.ShouldAllBe(finding => finding.Kind == ImportFindingKind.NotWhole && finding.Reasons.Single().Contains("another digest", StringComparison.Ordinal));
        report.FindingCount.ShouldBe(isDamaged ? 40 : 0);
        if (!isDamaged)
            (report.Copies, report.Shared).ShouldBe((121, 39));
        _folder.ShouldHaveLeftNothing();
    }

    [Fact]
    public async Task Run_Dry_ChangesNothingAndSaysWhatItWouldDo()
    {
        Old.PutImage("team/app", "v1");
        Damage(Old.PutImage("team/app", "v2"), "gone");

        var report = await _folder.ImportAsync(ImportFolder.Options with { IsDry = true });

        (report.Tags, report.Manifests, report.Copies).ShouldBe((1L, 1L, 3L));
        report.Findings.ShouldHaveSingleItem().Tag.ToString().ShouldBe("v2");
        (await _folder.FindAsync("team/app", "v1")).ShouldBeNull();
        _folder.ShouldHaveLeftNothing();
    }

    [Fact]
    public async Task Run_RegistryThatDeletesWhileItIsRead_ListsThatImageAndGoesOn()
    {
        var (going, staying) = (Old.PutImage("team/app", "going"), Old.PutImage("team/app", "staying"));
        var source = new ChangingSource(_folder.Source(), digest =>
        {
            if (digest == going.Manifest.Digest)
                Old.DropData(going.Layers[0].Digest);
        });

        var report = await _folder.ImportAsync(source: source);

        report.Findings.ShouldHaveSingleItem().Tag.ToString().ShouldBe("going");
        (await _folder.FindAsync("team/app", "staying")).ShouldBe(staying.Manifest.Digest);
        _folder.ShouldHaveLeftNothing();
    }

    [Fact]
    public async Task Run_StoppedInTheMiddle_LeavesNothingHalfAndTheNextRunTakesTheRest()
    {
        for (var i = 0; i < 150; i++)
            Old.PutImage($"team/app{i}", "v1");
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var importer = new Importer(_folder.Source(), _folder.Target(), ImportFolder.Options with
        {
            // Some are put, and others are at every step before that.
            Progress = progress =>
            {
                if (progress.Step == "putting manifests")
                    stop.Cancel();
            },
        });

        await Should.ThrowAsync<OperationCanceledException>(() => importer.RunAsync(stop.Token));
        _folder.ShouldHaveLeftNothing();

        var report = await _folder.ImportAsync();
        report.IsComplete.ShouldBeTrue();
        report.Tags.ShouldBeInRange(1, 149);
        for (var i = 0; i < 150; i++)
            (await _folder.FindAsync($"team/app{i}", "v1")).ShouldNotBeNull();
    }

    [Fact]
    public async Task Run_DiskWithoutRoom_EndsWithWordsAndLeavesNothing()
    {
        Old.PutImage("team/app", "v1");
        var target = _folder.Target(reserveBytes: long.MaxValue / 2, link: LinkKind.Copy);

        (await Should.ThrowAsync<IOException>(() => _folder.ImportAsync(target: target))).Message.ShouldContain("disk.reserve");
        _folder.ShouldHaveLeftNothing();
    }

    [Fact]
    public async Task Run_ImagesWithoutARepository_AreListedUnlessAPlaceIsNamed()
    {
        var image = Old.PutImage("team/app", "v1");
        var source = new ChangingSource(_folder.Source(), _ => { }) { IsNameless = true };

        (await _folder.ImportAsync(source: source)).Findings.ShouldHaveSingleItem().Kind.ShouldBe(ImportFindingKind.Nameless);
        await _folder.ImportAsync(ImportFolder.Options with { PlaceOf = _ => RepositoryName.Parse("named") }, source);
        (await _folder.FindAsync("named", "v1")).ShouldBe(image.Manifest.Digest);
    }

    [Fact]
    public async Task Run_TaggedOnly_LeavesOutWhatHasNoTag()
    {
        var untagged = Old.PutImage("team/app");
        Old.PutImage("team/app", "v1");
        await _folder.ImportAsync(ImportFolder.Options with { TaggedOnly = true });
        (await _folder.FindAsync("team/app", untagged.Manifest.Digest.ToString())).ShouldBeNull();
    }

    [Fact]
    public async Task Run_IndexThatStatesAnotherSize_IsNotWhole()
    {
        var child = Old.PutImage("team/app");
        Old.PutIndex("team/app", "v1", [child.Manifest with { SizeBytes = child.Manifest.SizeBytes + 1 }]);
        string.Join(' ', (await _folder.ImportAsync()).Findings.ShouldHaveSingleItem().Reasons).ShouldContain("the index says");
    }

    private void Damage(FakeImage image, string damage)
    {
        switch (damage)
        {
            case "gone":
                Old.DropData(image.Layers[0].Digest);
                break;
            case "wrong":
                var bytes = File.ReadAllBytes(Old.DataFile(image.Layers[0].Digest));
                bytes[0] ^= 1;
                File.WriteAllBytes(Old.DataFile(image.Layers[0].Digest), bytes);
                break;
            case "empty":
                File.WriteAllBytes(Old.DataFile(image.Layers[0].Digest), []);
                break;
            case "shell":
                Old.CollectChild("team/app", image);
                break;
            case "child":
                Old.DropData(image.Manifest.Digest);
                break;
            default:
                File.WriteAllText(Old.DataFile(image.Manifest.Digest), "{}");
                break;
        }
    }

    /// <summary>A source that something happens to while it is read.</summary>
    private sealed class ChangingSource(ContentSource inner, Action<Digest> onManifest) : ContentSource
    {
        public bool IsNameless { get; init; }

        public override string Name => inner.Name;

        public override ValueTask<SourceBlob?> TryOpenBlobAsync(RepositoryName repository, Digest digest, CancellationToken token) =>
            inner.TryOpenBlobAsync(repository, digest, token);

        public override async ValueTask<SourceManifest?> TryReadManifestAsync(RepositoryName repository, Digest digest, CancellationToken token)
        {
            var read = await inner.TryReadManifestAsync(repository, digest, token);
            onManifest(digest);
            return read;
        }

        public override IAsyncEnumerable<SourceImage> ListImagesAsync(Func<RepositoryName, bool> isWanted, CancellationToken token) =>
            inner.ListImagesAsync(isWanted, token).Select(image => IsNameless ? image with { Repository = default } : image);
    }
}
