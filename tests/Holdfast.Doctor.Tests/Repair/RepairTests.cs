using Holdfast.Doctor.Repair;
using Holdfast.Doctor.Scan;
using Holdfast.Doctor.Sources;
using Holdfast.Doctor.Tests.Scan;
using Holdfast.Oci;
using Holdfast.Storage.Native;
using Holdfast.Testing;

namespace Holdfast.Doctor.Tests.Repair;

public sealed class RepairTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeRegistry _registry;
    private readonly FakeRegistry _donor;

    public RepairTests() => (_registry, _donor) = (new FakeRegistry(_folder.Path + "/registry"), new FakeRegistry(_folder.Path + "/donor"));

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Run_UnlinkedChild_GetsItsLinkOnlyWhenApplied(bool collected)
    {
        var child = _registry.PutImage("app");
        _registry.PutIndex("app", "v1", [child.Manifest]);
        var whole = Repairing.Picture(_registry);
        var folder = _registry.RevisionFolder("app", child.Manifest.Digest);
        if (collected)
            Directory.Delete(folder, recursive: true);
        else
            File.Delete(folder + "/link");
        var broken = Repairing.Picture(_registry);

        var dry = await Repairing.RunAsync(_registry, apply: false);
        Repairing.Picture(_registry).ShouldBe(broken);
        Directory.Exists(_registry.Data + "/holdfast-repair").ShouldBeFalse();
        var done = await Repairing.RunAsync(_registry, apply: true);

        done.Steps.ShouldBe(dry.Steps);
        done.Steps.ShouldHaveSingleItem().Kind.ShouldBe(RepairKind.RevisionLink);
        Repairing.Picture(_registry).ShouldBe(whole);
        Repairing.Undo(_registry, apply: true).ShouldHaveSingleItem().Outcome.ShouldBe(UndoOutcome.Undone);
        Repairing.Picture(_registry).ShouldBe(broken);
        RepairJournal.FindNewest(_registry.Data).ShouldBeNull();
    }

    [Fact]
    public async Task Run_EveryKindOfDamage_IsMendedFromADonorAndTakenBack()
    {
        var (whole, broken) = await BreakEverythingAsync();

        var dry = await Repairing.RunAsync(_registry, apply: false, Repairing.Donor(_donor));
        Repairing.Picture(_registry).ShouldBe(broken);
        var done = await Repairing.RunAsync(_registry, apply: true, Repairing.Donor(_donor));

        done.Unmended.ShouldBeEmpty();
        done.Steps.ShouldBe(dry.Steps);
        Repairing.Picture(_registry).ShouldBe(whole);
        (await Scanning.RunAsync(_registry)).Findings.ShouldBeEmpty();
        Directory.EnumerateFileSystemEntries(done.JournalFolder + "/incoming").ShouldBeEmpty();
        Repairing.Undo(_registry, apply: false).ShouldAllBe(one => one.Outcome == UndoOutcome.Undone);
        Repairing.Picture(_registry).ShouldBe(whole);
        Repairing.Undo(_registry, apply: true).ShouldAllBe(one => one.Outcome == UndoOutcome.Undone);
        Repairing.Picture(_registry).ShouldBe(broken);
    }

    [Fact]
    public async Task Run_OneLayerThatNobodyHas_FetchesNothingForThatImage()
    {
        var image = _registry.PutImage("app", "v1", layers: 3);
        await CopyAsync(image.Layers[0].Digest, image.Layers[1].Digest);
        foreach (var layer in image.Layers)
            _registry.DropData(layer.Digest);
        var before = Repairing.Picture(_registry);

        var done = await Repairing.RunAsync(_registry, apply: true, Repairing.Donor(_donor));

        done.Unmended.ShouldHaveSingleItem().Digest.ShouldBe(image.Layers[2].Digest);
        done.Mended.ShouldBeEmpty();
        Repairing.Picture(_registry).ShouldBe(before);
    }

    [Fact]
    public async Task Run_DonorWithOtherBytes_IsToldAndTheNextIsAsked()
    {
        var image = _registry.PutImage("app", "v1", layers: 1);
        await CopyAsync(image.Layers[0].Digest);
        _registry.DropData(image.Layers[0].Digest);
        var liar = new FakeRegistry(_folder.Path + "/liar");
        Directory.CreateDirectory(liar.BlobFolder(image.Layers[0].Digest));
        await File.WriteAllBytesAsync(liar.DataFile(image.Layers[0].Digest), new byte[image.Layers[0].SizeBytes], Token);

        var alone = await Repairing.RunAsync(_registry, apply: true, Repairing.Donor(liar));
        alone.Unmended.ShouldHaveSingleItem();
        alone.DonorProblems.ShouldHaveSingleItem().ShouldContain("other bytes");
        File.Exists(_registry.DataFile(image.Layers[0].Digest)).ShouldBeFalse();

        var done = await Repairing.RunAsync(_registry, apply: true, Repairing.Donor(liar), Repairing.Donor(_donor));
        done.Unmended.ShouldBeEmpty();
        (await Scanning.RunAsync(_registry)).Findings.ShouldBeEmpty();
    }

    [Fact]
    public async Task Run_DonorThatCannotBeAsked_IsToldOnceAndTheNextIsAsked()
    {
        var image = _registry.PutImage("app", "v1", layers: 2);
        await CopyAsync(image.Layers[0].Digest, image.Layers[1].Digest);
        foreach (var layer in image.Layers)
            _registry.DropData(layer.Digest);

        var done = await Repairing.RunAsync(_registry, apply: true, new BlobFolderSource(_folder.Path + "/nowhere", "the folder"), Repairing.Donor(_donor));
        done.Unmended.ShouldBeEmpty();
        done.DonorProblems.ShouldHaveSingleItem().ShouldContain("nowhere");
    }

    [Fact]
    [Promise("P6")]
    public async Task Run_DonorThatCannotBeAsked_IsNotSaidToLackTheBytes()
    {
        var image = _registry.PutImage("app", "v1", layers: 1);
        _registry.DropData(image.Layers[0].Digest);

        var done = await Repairing.RunAsync(_registry, apply: false, new BlobFolderSource(_folder.Path + "/nowhere", "the folder"));
        done.Unmended.ShouldHaveSingleItem().Why.ShouldBe("no donor that could be asked has it");
        var asked = await Repairing.RunAsync(_registry, apply: false, Repairing.Donor(_donor));
        asked.Unmended.ShouldHaveSingleItem().Why.ShouldBe("no donor has it");
    }

    [Fact]
    public async Task Run_DonorThatBreaksOff_IsToldAndLeavesNothingBehind()
    {
        var image = _registry.PutImage("app", "v1", layers: 1);
        await CopyAsync(image.Layers[0].Digest);
        _registry.DropData(image.Layers[0].Digest);
        var before = Repairing.Picture(_registry);

        var alone = await Repairing.RunAsync(_registry, apply: true, new BreakingSource());
        alone.DonorProblems.ShouldHaveSingleItem().ShouldContain("the cable was pulled");
        Repairing.Picture(_registry).ShouldBe(before);
        Directory.EnumerateFileSystemEntries(alone.JournalFolder + "/incoming").ShouldBeEmpty();
        (await Repairing.RunAsync(_registry, apply: true, new BreakingSource(), Repairing.Donor(_donor))).Unmended.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Undo_WhatAnImageNeedsThatWasPushedSince_IsLeftAsItIs(bool isPushed)
    {
        var image = _registry.PutImage("app", "v1", layers: 1);
        await CopyAsync(image.Layers[0].Digest);
        _registry.DropData(image.Layers[0].Digest);
        await Repairing.RunAsync(_registry, apply: true, Repairing.Donor(_donor));
        if (isPushed)
        {
            // The registry says that it has the layer, so that the client sends config and manifest only.
            var later = _registry.PutImage("other", "v1", layers: 0, shared: [image.Layers[0]]);
            File.SetLastWriteTimeUtc(_registry.RevisionFolder("other", later.Manifest.Digest) + "/link", DateTime.UnixEpoch + TimeProvider.System.GetUtcNow().AddMinutes(1).Subtract(DateTimeOffset.UnixEpoch));
        }

        Repairing.Undo(_registry, apply: true).ShouldHaveSingleItem().Outcome.ShouldBe(isPushed ? UndoOutcome.Changed : UndoOutcome.Undone);
        File.Exists(_registry.DataFile(image.Layers[0].Digest)).ShouldBe(isPushed);
    }

    [Fact]
    public async Task Undo_WhatChangedSince_IsLeftAsItIs()
    {
        var image = _registry.PutImage("app", "v1", layers: 1);
        var link = _registry.RevisionFolder("app", image.Manifest.Digest) + "/link";
        File.Delete(link);
        await Repairing.RunAsync(_registry, apply: true);
        await File.WriteAllTextAsync(link, "another hand's", Token);

        Repairing.Undo(_registry, apply: true).ShouldHaveSingleItem().Outcome.ShouldBe(UndoOutcome.Changed);
        (await File.ReadAllTextAsync(link, Token)).ShouldBe("another hand's");
    }

    [Fact]
    public async Task Undo_JournalCutOffAtItsEnd_TakesTheRestBack()
    {
        var (_, broken) = await BreakEverythingAsync();
        var done = await Repairing.RunAsync(_registry, apply: true, Repairing.Donor(_donor));
        await File.AppendAllTextAsync(done.JournalFolder + "/journal.jsonl", """{"path":"blobs/sha""", Token);

        Repairing.Undo(_registry, apply: true).Count.ShouldBe(done.Steps.Count);
        Repairing.Picture(_registry).ShouldBe(broken);
    }

    [Fact]
    public async Task Undo_WriteThatNeverHappened_IsNotThere()
    {
        var child = _registry.PutImage("app");
        _registry.PutIndex("app", "v1", [child.Manifest]);
        Directory.Delete(_registry.RevisionFolder("app", child.Manifest.Digest), recursive: true);
        await Repairing.RunAsync(_registry, apply: true);
        // As if killed after the journal's line: the folder and the link never came.
        Directory.Delete(_registry.RevisionFolder("app", child.Manifest.Digest), recursive: true);

        Repairing.Undo(_registry, apply: true).ShouldHaveSingleItem().Outcome.ShouldBe(UndoOutcome.NotThere);
    }

    [Theory]
    [InlineData("before")]
    [InlineData("between")]
    public async Task Undo_ReplacementThatWasStopped_LeavesTheOldFileInPlace(string stopped)
    {
        var image = _registry.PutImage("app", "v1", layers: 1);
        var file = _registry.DataFile(image.Layers[0].Digest);
        await CopyAsync(image.Layers[0].Digest);
        await File.WriteAllBytesAsync(file, [9, 9], Token);
        var done = await Repairing.RunAsync(_registry, apply: true, Repairing.Donor(_donor));
        var kept = Directory.GetFiles(done.JournalFolder + "/replaced").ShouldHaveSingleItem();
        if (stopped == "before")
            File.Move(kept, file, overwrite: true);
        else
            File.Delete(file);

        Repairing.Undo(_registry, apply: true).ShouldHaveSingleItem().Outcome.ShouldBe(stopped == "before" ? UndoOutcome.NotThere : UndoOutcome.Undone);
        (await File.ReadAllBytesAsync(file, Token)).ShouldBe([9, 9]);
    }

    [Fact]
    public async Task Run_AsRoot_GivesWhatItMakesToTheFoldersOwner()
    {
        if (Environment.UserName != "root")
            Assert.Skip("only root can give files away");
        var child = _registry.PutImage("app", layers: 1);
        _registry.PutIndex("app", "v1", [child.Manifest]);
        await CopyAsync(child.Layers[0].Digest, child.Config.Digest);
        _registry.CollectChild("app", child);
        await System.Diagnostics.Process.Start("chown", ["-R", "65534:65533", _registry.Data]).WaitForExitAsync(Token);

        await Repairing.RunAsync(_registry, apply: true, Repairing.Donor(_donor));

        foreach (var made in new[] { _registry.BlobFolder(child.Config.Digest), _registry.DataFile(child.Config.Digest), _registry.RevisionFolder("app", child.Manifest.Digest) + "/link" })
        {
            var state = Posix.TryExamineEntry(made).ShouldNotBeNull();
            (state.User, state.Group).ShouldBe((65534u, 65533u), made);
        }
    }

    [Fact]
    public async Task Run_FolderBehindALink_IsNotWrittenTo()
    {
        var image = _registry.PutImage("app", "v1");
        var revisions = Path.GetDirectoryName(_registry.RevisionFolder("app", image.Manifest.Digest))!;
        Directory.Delete(revisions, recursive: true);
        var elsewhere = Directory.CreateDirectory(_folder.Path + "/elsewhere").FullName;
        File.CreateSymbolicLink(revisions, elsewhere);

        await Should.ThrowAsync<IOException>(async () => await Repairing.RunAsync(_registry, apply: true));
        Directory.EnumerateFileSystemEntries(elsewhere, "*", SearchOption.AllDirectories).ShouldBeEmpty();
    }

    [Fact]
    public async Task Run_JournalsFolderBehindALink_IsNotWrittenTo()
    {
        _registry.PutImage("app", "v1");
        var elsewhere = Directory.CreateDirectory(_folder.Path + "/elsewhere").FullName;
        File.CreateSymbolicLink(_registry.Data + "/holdfast-repair", elsewhere);

        await Should.ThrowAsync<IOException>(async () => await Repairing.RunAsync(_registry, apply: true));
        Directory.EnumerateFileSystemEntries(elsewhere, "*", SearchOption.AllDirectories).ShouldBeEmpty();
    }

    private async Task<(SortedDictionary<string, string> Whole, SortedDictionary<string, string> Broken)> BreakEverythingAsync()
    {
        var (unlinked, shell, gone) = (_registry.PutImage("app"), _registry.PutImage("app"), _registry.PutImage("app"));
        var inner = _registry.PutIndex("app", null, [gone.Manifest]);
        _registry.PutIndex("app", "v1", [unlinked.Manifest, shell.Manifest, inner]);
        var damaged = _registry.PutImage("other/app", "v1", layers: 3);
        var stray = _registry.PutBlob("other/app", [1, 2, 3, 4], "layer");
        var whole = Repairing.Picture(_registry);
        await CopyAsync([.. _registry.Open().Blobs(_ => { }).Select(blob => blob.Digest)]);

        Directory.Delete(_registry.RevisionFolder("app", unlinked.Manifest.Digest), recursive: true);
        File.Delete(_registry.LayerFolder("app", unlinked.Layers[0].Digest) + "/link");
        _registry.CollectChild("app", shell);
        _registry.CollectChild("app", gone);
        _registry.DropData(gone.Manifest.Digest);
        _registry.DropData(inner.Digest);
        await File.WriteAllBytesAsync(_registry.DataFile(damaged.Layers[0].Digest), [], Token);
        await File.AppendAllTextAsync(_registry.DataFile(damaged.Layers[1].Digest), "x", Token);
        await File.AppendAllTextAsync(_registry.LayerFolder("other/app", damaged.Layers[2].Digest) + "/link", "\n", Token);
        await File.WriteAllBytesAsync(_registry.DataFile(stray.Digest), [1, 2, 3, 5], Token);
        return (whole, Repairing.Picture(_registry));
    }

    private async Task CopyAsync(params Digest[] digests)
    {
        foreach (var digest in digests)
            _donor.PutData(await File.ReadAllBytesAsync(_registry.DataFile(digest), Token));
    }

    private sealed class BreakingSource : ContentSource
    {
        public override string Name => "a bad line";

        public override ValueTask<SourceBlob?> TryOpenBlobAsync(RepositoryName repository, Digest digest, CancellationToken token) =>
            ValueTask.FromResult<SourceBlob?>(new SourceBlob(new BreakingStream(), null));
    }

    private sealed class BreakingStream : MemoryStream
    {
        private bool _given;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_given)
                throw new IOException("the cable was pulled");
            _given = true;
            return ValueTask.FromResult(1);
        }
    }
}
