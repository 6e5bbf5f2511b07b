using Holdfast.Server.Collection;
using Holdfast.Server.Tests.Protocol;
using Holdfast.Storage.Metadata;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Collection;

/// <summary>Crashes, errors and pushes at every step of a delete.</summary>
public sealed class RemovalTests
{
    private const string App = "app";

    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    private readonly RemovalHooks _faults = new();

    // No periods at all, so that one run does everything.
    private Task<CollectionFixture> StartAtOnceAsync(TimeSpan lease = default) => CollectionFixture.StartAsync(at =>
    {
        at.Options = at.Options with { Grace = TimeSpan.Zero, Lease = lease };
        at.Trash = new TrashOptions { Keep = TimeSpan.Zero };
        at.Decorate = store => new RemovalFaults(store, _faults);
    });

    [Fact]
    public async Task Run_WithoutAnyPeriod_FreesEverythingAtOnceAndNothingElse()
    {
        await using var at = await StartAtOnceAsync();
        var kept = await at.PushImageAsync(App, 1, "kept");
        var index = Samples.Index(await at.PushImageAsync(App, 2), kept);
        await at.PutAsync(App, index, "gone");
        await at.DeleteAsync(App, index);
        var figures = await at.RunAsync();
        figures.PurgedManifests.ShouldBe(2);
        figures.TrashedManifests.ShouldBe(1);
        figures.PurgedTags.ShouldBe(1);
        figures.RemovedLinks.ShouldBe(2);
        figures.RemovedBlobs.ShouldBe(4);
        figures.FreedBytes.ShouldBe(index.Length + Samples.Image(Samples.Bytes(2, 50), Samples.Bytes(100_002, 500)).Length + 550);
        (await at.IsVisibleAsync(App, kept)).ShouldBeTrue();
        (await at.CountAsync("SELECT COUNT(*) FROM blobs")).ShouldBe(3);
        await at.ShouldBeSoundAsync();
        (await at.RunAsync()).Changes.ShouldBe(0);
    }

    [Theory, Promise("P1")]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Restart_InTheMiddleOfARemoval_FinishesIt(bool fileIsGone)
    {
        await using var at = await StartAtOnceAsync();
        var image = await at.PushImageAsync(App, 1, "v1");
        await at.DeleteAsync(App, image);
        FailRemovals(fileIsGone);
        (await at.RunAsync()).Unreadable.ShouldBe(3);
        (await at.CountAsync("SELECT COUNT(*) FROM blobs WHERE deleting_at IS NOT NULL")).ShouldBe(3);
        Mend();
        await at.RestartAsync();
        (await at.CountAsync("SELECT COUNT(*) FROM blobs")).ShouldBe(0);
        (await at.HasBytesAsync(image)).ShouldBeFalse();
        (await at.CountAsync("SELECT COUNT(*) FROM incidents WHERE healed_at IS NULL")).ShouldBe(0);
    }

    [Theory, Promise("P1")]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Push_AfterARemovalWasCutShort_TakesItBack(bool fileIsGone)
    {
        await using var at = await StartAtOnceAsync();
        var image = await at.PushImageAsync(App, 1, "v1");
        await at.DeleteAsync(App, image);
        FailRemovals(fileIsGone);
        await at.RunAsync();
        Mend();
        await at.PushImageAsync(App, 1, "v1");
        await at.RestartAsync();
        await at.RunAsync();
        (await at.IsVisibleAsync(App, image)).ShouldBeTrue();
        (await at.CountAsync("SELECT COUNT(*) FROM blobs WHERE deleting_at IS NULL")).ShouldBe(3);
        await at.ShouldBeSoundAsync();
    }

    [Fact]
    public async Task Start_AMarkOnSomethingHeld_IsTakenBack()
    {
        await using var at = await StartAtOnceAsync();
        var image = await at.PushImageAsync(App, 1, "v1");
        await at.WriteAsync(db => db.Prepare("UPDATE blobs SET deleting_at = 1").Execute());
        await at.RestartAsync();
        (await at.CountAsync("SELECT COUNT(*) FROM blobs WHERE deleting_at IS NULL")).ShouldBe(3);
        (await at.IsVisibleAsync(App, image)).ShouldBeTrue();
        await at.ShouldBeSoundAsync();
    }

    [Theory, Promise("P3")]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Push_WhileTheFileIsBeingRemoved_WaitsAndIsWhole(bool fileIsGone)
    {
        await using var at = await StartAtOnceAsync(lease: Hour);
        var image = await at.PushImageAsync(App, 1, "v1");
        at.Time.Advance(Hour);
        await at.DeleteAsync(App, image);
        var (reached, goOn) = (new TaskCompletionSource(), new TaskCompletionSource());
        Task Hold(Oci.Digest digest)
        {
            reached.TrySetResult();
            return goOn.Task;
        }
        _ = fileIsGone ? _faults.After = Hold : _faults.Before = Hold;
        var run = at.RunAsync();
        await reached.Task;
        var push = at.PushImageAsync(App, 1, "again");
        push.IsCompleted.ShouldBeFalse();
        goOn.SetResult();
        await Task.WhenAll(run, push);
        (await at.IsVisibleAsync(App, image)).ShouldBeTrue();
        await at.ShouldBeSoundAsync();
        await at.RunAsync();
        (await at.HasBytesAsync(Samples.Bytes(100_001, 500))).ShouldBeTrue();
    }

    [Theory, Promise("P3")]
    [InlineData(0)]
    [InlineData(7 * 24)]
    [InlineData((7 * 24) + 1)]
    [InlineData((8 * 24) + 1)]
    [InlineData((9 * 24) + 1)]
    [InlineData((9 * 24) + 3)]
    public async Task Push_AtAnyTimeAfterADelete_IsWholeAndStays(int hours)
    {
        await using var at = await CollectionFixture.StartAsync();
        var image = await at.PushImageAsync(App, 1);
        var index = Samples.Index(image);
        await at.PutAsync(App, index, "v1");
        await at.DeleteAsync(App, index);
        await at.PassAsync(hours * Hour);
        await at.PushImageAsync(App, 1);
        await at.PutAsync(App, index, "v1");
        await at.ShouldBeSoundAsync();
        await at.PassAsync(30 * Day);
        (await at.IsVisibleAsync(App, index)).ShouldBeTrue();
        (await at.CountAsync("SELECT COUNT(*) FROM blobs")).ShouldBe(4);
        (await at.CountAsync("SELECT COUNT(*) FROM trash WHERE kind <> 1")).ShouldBe(0);
        await at.ShouldBeSoundAsync();
    }

    [Fact, Promise("P3")]
    public async Task Run_ABlobThatSomebodyIsBusyWith_IsLeftToTheNextRun()
    {
        await using var at = await StartAtOnceAsync();
        await at.DeleteAsync(App, await at.PushImageAsync(App, 1, "v1"));
        var busy = Samples.Bytes(100_001, 500);
        using (await at.Stores.Locks.EnterAsync(Samples.DigestOf(busy), CancellationToken.None))
            (await at.RunAsync()).RemovedBlobs.ShouldBe(2);
        (await at.HasBytesAsync(busy)).ShouldBeTrue();
        (await at.RunAsync()).RemovedBlobs.ShouldBe(1);
        (await at.HasBytesAsync(busy)).ShouldBeFalse();
    }

    [Fact, Promise("P6")]
    public async Task Run_ABlobThatCannotBeRemoved_StaysWithAnIncidentAndTheOthersGo()
    {
        await using var at = await StartAtOnceAsync();
        var image = await at.PushImageAsync(App, 1, "v1");
        await at.DeleteAsync(App, image);
        var stuck = Samples.DigestOf(Samples.Bytes(100_001, 500));
        _faults.Before = digest => digest == stuck ? throw new IOException("Input/output error") : Task.CompletedTask;
        var figures = await at.RunAsync();
        (figures.RemovedBlobs, figures.Unreadable).ShouldBe((2, 1));
        var incident = (await at.ReadAsync(db => Storage.Metadata.Incidents.ListOpen(db, 10))).ShouldHaveSingleItem();
        (incident.Kind, incident.Subject, incident.Seen).ShouldBe((IncidentKind.StoreUnreadable, stuck.ToString(), 1));
        (await at.HasBytesAsync(Samples.Bytes(100_001, 500))).ShouldBeTrue();

        Mend();
        (await at.RunAsync()).RemovedBlobs.ShouldBe(1);
        (await at.ReadAsync(db => Storage.Metadata.Incidents.ListOpen(db, 10))).ShouldBeEmpty();
        (await at.HasBytesAsync(Samples.Bytes(100_001, 500))).ShouldBeFalse();
    }

    [Theory, Promise("P3")]
    [InlineData("CREATE TABLE holds (blob_id INTEGER REFERENCES blobs (id) ON DELETE RESTRICT)", "INSERT INTO holds SELECT id FROM blobs WHERE size = 500")]
    [InlineData("CREATE TABLE holds (r INTEGER, b INTEGER, FOREIGN KEY (r, b) REFERENCES links (repository_id, blob_id) ON DELETE RESTRICT)", "INSERT INTO holds SELECT l.repository_id, l.blob_id FROM links l JOIN blobs b ON b.id = l.blob_id WHERE b.size = 500")]
    [InlineData("CREATE TABLE holds (m INTEGER REFERENCES manifests (id) ON DELETE RESTRICT)", "INSERT INTO holds SELECT manifest_id FROM manifest_blobs e JOIN blobs b ON b.id = e.blob_id WHERE b.size = 500")]
    public async Task Run_SomethingHeldThatTheCodeTakesForUnheld_IsRefusedByTheDatabase(string table, string hold)
    {
        await using var at = await StartAtOnceAsync();
        var held = await at.PushImageAsync(App, 1, "held");
        var other = Samples.Image(Samples.Bytes(2, 50));
        await at.PushBlobAsync(App, Samples.Bytes(2, 50));
        await at.PutAsync(App, other, "other");
        await at.WriteAsync(db =>
        {
            db.Execute(table);
            db.Execute(hold);
            return true;
        });
        await at.DeleteAsync(App, held);
        await at.DeleteAsync(App, other);
        (await at.RunAsync()).Refused.ShouldBeGreaterThan(0);
        (await at.HasBytesAsync(Samples.Bytes(100_001, 500))).ShouldBeTrue();
        (await at.HasBytesAsync(other)).ShouldBeFalse("the others go");
        (await at.ReadAsync(db => Storage.Metadata.Incidents.ListOpen(db, 10))).ShouldHaveSingleItem().Kind.ShouldBe(IncidentKind.DanglingEdge);
        await at.WriteAsync(db => db.Prepare("DELETE FROM holds").Execute());
        await at.RunAsync();
        (await at.CountAsync("SELECT COUNT(*) FROM blobs")).ShouldBe(0);
    }

    [Fact]
    public async Task Run_Two_TheSecondIsRefusedAndTheServersOwnMakesWay()
    {
        await using var at = await StartAtOnceAsync();
        await at.DeleteAsync(App, await at.PushImageAsync(App, 1, "v1"));
        var (reached, goOn) = (new TaskCompletionSource(), new TaskCompletionSource());
        _faults.Before = _ =>
        {
            reached.TrySetResult();
            return goOn.Task;
        };
        var own = at.Collector.RunDueAsync(CancellationToken.None);
        await reached.Task;
        var asked = at.RunAsync();
        asked.IsCompleted.ShouldBeFalse();
        (await Should.ThrowAsync<CollectionBusyException>(at.RunAsync)).Message.ShouldContain("gc status");
        await at.Collector.RunDueAsync(CancellationToken.None); // Nothing to wait for.
        goOn.SetResult();
        await own;
        await asked;
        (await at.CountAsync("SELECT COUNT(*) FROM blobs")).ShouldBe(0);
        (await at.RunAsync()).Changes.ShouldBe(0);
    }

    private void FailRemovals(bool fileIsGone)
    {
        static Task Fail(Oci.Digest digest) => throw new IOException("Input/output error");
        _ = fileIsGone ? _faults.After = Fail : _faults.Before = Fail;
    }

    private void Mend() => _faults.Before = _faults.After = static _ => Task.CompletedTask;
}
