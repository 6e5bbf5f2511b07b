using Holdfast.Client.Walk;
using Holdfast.Doctor.Registry2;
using Holdfast.Doctor.Scan;
using Holdfast.Oci;
using Holdfast.Testing;

namespace Holdfast.Doctor.Tests.Scan;

public sealed class ScanTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeRegistry _registry;

    public ScanTests() => _registry = new FakeRegistry(_folder.Path);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Run_WholeRegistry_FindsNothing(bool fast)
    {
        var shared = _registry.PutBlob("app", [1, 2, 3], "layer");
        var children = new[] { _registry.PutImage("app", layers: 1, shared: [shared]), _registry.PutImage("app", layers: 1, shared: [shared]) };
        _registry.PutIndex("app", "v1", children.Select(child => child.Manifest));
        _registry.PutImage("app", "v2", layers: 0, shared: [_registry.PutBlob("app", [], "empty")]);

        var report = await Scanning.RunAsync(_registry, fast);

        report.Findings.ShouldBeEmpty();
        (report.Counts.Tags, report.Counts.Manifests, report.Counts.Indexes, report.Counts.WholeChildren, report.Counts.IdleBlobs).ShouldBe((2, 4, 1, 2, 0));
    }

    [Theory]
    [InlineData(true, LinkState.Absent)]
    [InlineData(false, LinkState.EmptyFolder)]
    public async Task Run_ChildWithoutLink_IsUnlinkedAndSaysHowItWent(bool collected, LinkState how)
    {
        var child = _registry.PutImage("app");
        var index = _registry.PutIndex("app", "v1", [child.Manifest], withMediaType: false);
        _registry.PutTag("app", "latest", index.Digest);
        var folder = _registry.RevisionFolder("app", child.Manifest.Digest);
        if (collected)
            Directory.Delete(folder, recursive: true);
        else
            File.Delete(folder + "/link");

        var report = await Scanning.RunAsync(_registry);

        var finding = report.Findings.ShouldHaveSingleItem();
        (finding.Kind, finding.Digest, finding.Link).ShouldBe((DamageKind.Unlinked, child.Manifest.Digest, how));
        finding.Tags.Select(tag => tag.ToString()).ShouldBe(["latest", "v1"]);
        finding.Parents.ShouldBe([index.Digest]);
        finding.Links.ShouldBe([new MissingLink(LinkKind.Revision, child.Manifest.Digest, how)]);
        (report.Counts.BrokenTags, report.Counts.BrokenReferences).ShouldBe((2, 2));
    }

    [Fact]
    public async Task Run_SweptChild_IsAShellWithAllThatIsMissing()
    {
        var child = _registry.PutImage("app", layers: 2);
        var whole = _registry.PutImage("app");
        _registry.PutIndex("app", "v1", [child.Manifest, whole.Manifest]);
        _registry.CollectChild("app", child);

        var finding = (await Scanning.RunAsync(_registry)).Findings.ShouldHaveSingleItem();

        (finding.Kind, finding.Link).ShouldBe((DamageKind.Shell, LinkState.Absent));
        finding.Missing.Select(part => (part.Role, part.Content.Digest, part.Why)).ShouldBe(
            child.Layers.Select(layer => (StepRole.Layer, layer.Digest, ContentState.Absent)).Prepend((StepRole.Config, child.Config.Digest, ContentState.Absent)));
    }

    [Fact]
    public async Task Run_ManifestWithoutBytes_IsGoneAlsoIfATagLeadsThere()
    {
        var child = _registry.PutImage("app");
        _registry.PutIndex("app", "v1", [child.Manifest]);
        var tagged = _registry.PutImage("app", "v2");
        _registry.DropData(child.Manifest.Digest);
        _registry.DropData(tagged.Manifest.Digest);

        var report = await Scanning.RunAsync(_registry);

        report.Findings.Select(finding => (finding.Kind, finding.Digest, finding.Tags.Single().ToString())).ShouldBe(
            [(DamageKind.Gone, child.Manifest.Digest, "v1"), (DamageKind.Gone, tagged.Manifest.Digest, "v2")], ignoreOrder: true);
    }

    [Theory]
    [InlineData("zero", ContentState.ZeroLength, false)]
    [InlineData("zero", ContentState.ZeroLength, true)]
    [InlineData("cut", ContentState.WrongSize, true)]
    [InlineData("cut", ContentState.WrongHash, false)]
    [InlineData("flip", ContentState.WrongHash, false)]
    public async Task Run_DamagedLayer_IsToldOfTheFileAndOfTheImage(string fault, ContentState expected, bool fast)
    {
        var image = _registry.PutImage("app", "v1", layers: 1);
        var file = _registry.DataFile(image.Layers[0].Digest);
        var bytes = await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken);
        bytes[3] ^= 1;
        await File.WriteAllBytesAsync(file, fault switch { "zero" => [], "cut" => bytes[..5], _ => bytes }, TestContext.Current.CancellationToken);

        var report = await Scanning.RunAsync(_registry, fast);

        var shell = report.Findings.Single(finding => finding.Kind == DamageKind.Shell);
        shell.Missing.ShouldHaveSingleItem().Why.ShouldBe(expected);
        report.Findings.Count(finding => finding.Kind == DamageKind.Data && finding.Digest == image.Layers[0].Digest).ShouldBe(expected == ContentState.WrongSize ? 0 : 1);
    }

    [Fact]
    public async Task Run_FlippedManifest_IsGoneEvenWhereNothingIsHashed()
    {
        var image = _registry.PutImage("app", "v1");
        var file = _registry.DataFile(image.Manifest.Digest);
        await File.WriteAllTextAsync(file, (await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken)).Replace('2', '3'), TestContext.Current.CancellationToken);

        (await Scanning.RunAsync(_registry, fast: true)).Findings.Select(finding => finding.Kind).ShouldBe([DamageKind.Gone, DamageKind.Data], ignoreOrder: true);
    }

    [Fact]
    public async Task Run_LayerWithoutItsLink_LeavesTheImageUnlinked()
    {
        var image = _registry.PutImage("app", "v1");
        File.Delete(_registry.LayerFolder("app", image.Layers[0].Digest) + "/link");

        var finding = (await Scanning.RunAsync(_registry)).Findings.ShouldHaveSingleItem();
        (finding.Kind, finding.Link).ShouldBe((DamageKind.Unlinked, LinkState.Present));
        finding.Links.ShouldBe([new MissingLink(LinkKind.Layer, image.Layers[0].Digest, LinkState.EmptyFolder)]);
    }

    [Fact]
    public async Task Run_ManifestLinkedAsALayer_IsFoundThereByTheRegistryToo()
    {
        var image = _registry.PutImage("app", "v1");
        Directory.Delete(_registry.RevisionFolder("app", image.Manifest.Digest), recursive: true);
        FakeRegistry.WriteLink(_registry.LayerFolder("app", image.Manifest.Digest), image.Manifest.Digest);

        (await Scanning.RunAsync(_registry)).Findings.ShouldBeEmpty();
    }

    [Fact]
    public async Task Run_OtherRepositoryHasTheManifest_IsNamedAsDonor()
    {
        var child = _registry.PutImage("aaa");
        _registry.PutIndex("aaa", "v1", [child.Manifest]);
        FakeRegistry.WriteLink(_registry.RevisionFolder("bbb", child.Manifest.Digest), child.Manifest.Digest);
        foreach (var blob in child.Layers.Append(child.Config))
            FakeRegistry.WriteLink(_registry.LayerFolder("bbb", blob.Digest), blob.Digest);
        Directory.Delete(_registry.RevisionFolder("aaa", child.Manifest.Digest), recursive: true);

        var finding = (await Scanning.RunAsync(_registry)).Findings.ShouldHaveSingleItem();
        (finding.Kind, finding.Repository.ToString()).ShouldBe((DamageKind.Unlinked, "aaa"));
        finding.Donors.ShouldBe(["bbb"]);
    }

    [Fact]
    public async Task Run_NestedIndex_IsFollowedDown()
    {
        var child = _registry.PutImage("app");
        var inner = _registry.PutIndex("app", null, [child.Manifest]);
        _registry.PutIndex("app", "v1", [inner]);
        Directory.Delete(_registry.RevisionFolder("app", inner.Digest), recursive: true);
        _registry.CollectChild("app", child);

        var report = await Scanning.RunAsync(_registry);
        report.Findings.Select(finding => (finding.Kind, finding.Digest)).ShouldBe(
            [(DamageKind.Unlinked, inner.Digest), (DamageKind.Shell, child.Manifest.Digest)], ignoreOrder: true);
        report.Findings.ShouldAllBe(finding => finding.Tags.Count == 1);
    }

    [Theory]
    [InlineData("absent")]
    [InlineData("newline")]
    public async Task Run_TagThatLeadsNowhere_TellsWhatItNamedBefore(string fault)
    {
        var image = _registry.PutImage("app", "v1");
        var link = _registry.TagFolder("app", "v1") + "/current/link";
        if (fault == "absent")
            File.Delete(link);
        else
            await File.AppendAllTextAsync(link, "\n", TestContext.Current.CancellationToken);

        var finding = (await Scanning.RunAsync(_registry)).Findings.ShouldHaveSingleItem();
        (finding.Kind, finding.Tags.Single().ToString()).ShouldBe((DamageKind.Tag, "v1"));
        finding.Detail!.ShouldContain(image.Manifest.Digest.ToString());
    }

    [Fact]
    public async Task Run_BadLayerLinkThatNobodyNeeds_IsAFinding()
    {
        var blob = _registry.PutBlob("app", [1, 2, 3], "layer");
        await File.AppendAllTextAsync(_registry.LayerFolder("app", blob.Digest) + "/link", "\n", TestContext.Current.CancellationToken);

        (await Scanning.RunAsync(_registry)).Findings.ShouldHaveSingleItem().Kind.ShouldBe(DamageKind.BadLink);
    }

    [Fact]
    public async Task Run_WhatIsLeftOver_IsCountedAndNoFinding()
    {
        var image = _registry.PutImage("app", "v1");
        _registry.PutImage("app", "v1");
        _registry.PutData([7]);
        var idle = _registry.PutBlob("app", [8, 8], "layer");
        _registry.DropData(idle.Digest);
        Directory.CreateDirectory(_registry.PathOf("repositories/app/_uploads/1234"));
        Directory.CreateDirectory(_registry.PathOf("repositories/_manifests"));

        var report = await Scanning.RunAsync(_registry);

        report.Findings.ShouldBeEmpty();
        (report.Counts.Untagged, report.Counts.HistoricTags, report.Counts.IdleLayerLinks, report.Counts.Uploads, report.Counts.IdleBlobs).ShouldBe((1, 1, 1, 1, 1));
        report.IdleLayerLinks.ShouldHaveSingleItem().Digest.ShouldBe(idle.Digest);
        var old = report.History.ShouldHaveSingleItem();
        (old.Digest, old.IsLinked, old.State).ShouldBe((image.Manifest.Digest, true, ContentState.Whole));
        report.Notes.ShouldHaveSingleItem().Path.ShouldBe("repositories/_manifests");
    }

    [Fact]
    [Promise("P6")]
    public async Task Run_ShardBehindALink_IsUnreadableAndNotLost()
    {
        var image = _registry.PutImage("app", "v1", layers: 1);
        var shard = Path.GetDirectoryName(_registry.BlobFolder(image.Layers[0].Digest))!;
        Directory.Move(shard, _folder.Path + "/moved");
        File.CreateSymbolicLink(shard, _folder.Path + "/moved");

        var report = await Scanning.RunAsync(_registry);
        report.Findings.ShouldNotBeEmpty();
        report.Findings.ShouldAllBe(finding => finding.Kind == DamageKind.Unreadable);
    }

    [Theory]
    [Promise("P6")]
    [InlineData(ContentState.Unreadable)]
    [InlineData(ContentState.WrongHash)]
    public void Refresh_OfAFileThatIsTheSameAsBefore_TakesBackNothingThatReadingTold(ContentState told)
    {
        var layer = _registry.PutBlob("app", [1, 2, 3], "layer");
        var folder = _registry.Open();
        var blobs = new BlobTable(folder);
        blobs.Add(folder.LookAt(layer.Digest));
        blobs.Find(layer.Digest)!.State = told;

        blobs.Refresh(layer.Digest).ShouldBeFalse();
        blobs.StateOf(layer.Digest, null).ShouldBe(told);

        File.WriteAllBytes(_registry.DataFile(layer.Digest), [1, 2, 3, 4]);
        blobs.Refresh(layer.Digest).ShouldBeTrue();
    }

    [Theory]
    [Promise("P6")]
    [InlineData(LinkState.Unreadable, NodeClass.Unknown)]
    [InlineData(LinkState.Absent, NodeClass.Unlinked)]
    internal void Class_OfAManifestWhoseLayerHasNoLinkThatCanBeRead_IsUnlinkedOnlyIfItIsKnown(LinkState was, NodeClass expected)
    {
        var image = _registry.PutImage("app", "v1", layers: 1);
        var node = new ManifestNode(image.Manifest.Digest) { Link = new LinkFile(LinkState.Present, image.Manifest.Digest, null, null), IsLinked = true };
        node.Class.ShouldBe(NodeClass.Whole);
        node.Links.Add(new MissingLink(LinkKind.Layer, image.Layers[0].Digest, was));
        node.Class.ShouldBe(expected);
    }

    [Fact]
    [Promise("P6")]
    public async Task Run_BlobsWithoutAnyRepository_AreNotCalledUndamaged()
    {
        (await Scanning.RunAsync(_registry)).Findings.ShouldBeEmpty();
        _registry.PutImage("app", "v1", layers: 1);
        Directory.Delete(_registry.PathOf("repositories/app"), recursive: true);

        var finding = (await Scanning.RunAsync(_registry)).Findings.ShouldHaveSingleItem();
        (finding.Kind, finding.Path).ShouldBe((DamageKind.Unreadable, "repositories"));
    }

    [Fact]
    public async Task Run_Schema1Manifest_IsNotedAndNoFinding()
    {
        _registry.PutManifest("app", new System.Text.Json.Nodes.JsonObject { ["schemaVersion"] = 1, ["fsLayers"] = new System.Text.Json.Nodes.JsonArray() }, "old");

        var report = await Scanning.RunAsync(_registry);
        report.Findings.ShouldBeEmpty();
        (report.Counts.Unusable, report.Notes.ShouldHaveSingleItem().Kind).ShouldBe((1, "manifest"));
    }

    [Fact]
    public async Task Run_LinkThatIsJustBeingWritten_IsWaitedFor()
    {
        var blob = _registry.PutBlob("app", [1, 2, 3], "layer");
        var link = _registry.LayerFolder("app", blob.Digest) + "/link";
        await File.WriteAllTextAsync(link, "", TestContext.Current.CancellationToken);

        var scan = Scanning.RunAsync(_registry);
        scan.IsCompleted.ShouldBeFalse("it looked once and judged");
        await File.WriteAllTextAsync(link, blob.Digest.ToString(), TestContext.Current.CancellationToken);
        (await scan).Findings.ShouldBeEmpty();
    }

    [Fact]
    public async Task Run_BlobsPushedAfterTheirFoldersWereListed_AreNoFalseAlarm()
    {
        _registry.PutImage("app", "v1");
        FakeImage? late = null;
        // Told between the listing of blobs and the reading of repositories.
        var report = await Scanning.RunAsync(_registry.Data, progress: progress =>
        {
            if (progress.Step == "reading")
                late ??= _registry.PutImage("app", "v2");
        });

        late.ShouldNotBeNull();
        report.Registries.Single().Findings.ShouldBeEmpty();
        report.Registries.Single().Counts.Changed.ShouldBeGreaterThan(0);
    }
}
