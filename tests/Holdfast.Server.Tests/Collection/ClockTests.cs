using Holdfast.Server.Collection;
using Holdfast.Server.Incidents;
using Holdfast.Server.Tests.Protocol;
using Holdfast.Storage.Metadata;
using Holdfast.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Collection;

/// <summary>Clocks that jump, and runs that don't wait.</summary>
public sealed class ClockTests
{
    private const string App = "app";

    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    [Fact]
    public async Task Run_AClockThatJumpsBack_OnlyDelays()
    {
        await using var at = await CollectionFixture.StartAsync();
        var image = await at.PushImageAsync(App, 1, "v1");
        await at.DeleteAsync(App, image);
        await at.PushBlobAsync(App, Samples.Bytes(5, 100));
        at.Time.Advance(-Day);
        (await at.RunAsync()).Changes.ShouldBe(0);
        await at.PassAsync((2 * Day) - Hour);
        (await at.CountAsync("SELECT COUNT(*) FROM links")).ShouldBe(3, "the grace of a day began in the future");
        await at.PassAsync(12 * Day);
        (await at.CountAsync("SELECT COUNT(*) FROM blobs")).ShouldBe(0);
    }

    [Fact, Promise("P3")]
    public async Task Run_AClockThatJumpsForward_TakesNothingHeld()
    {
        await using var at = await CollectionFixture.StartAsync();
        var image = await at.PushImageAsync(App, 1, "v1");
        var pushed = Samples.Image(Samples.Bytes(2, 50));
        await at.PushBlobAsync(App, Samples.Bytes(2, 50));
        at.Time.Advance(365 * Day);
        await at.RunAsync();
        (await at.IsVisibleAsync(App, image)).ShouldBeTrue();
        await at.ShouldBeSoundAsync();
        var closure = await at.TryPutAsync(App, pushed);
        closure.Missing.Select(missing => missing.Digest).ShouldBe([Samples.DigestOf(Samples.Bytes(2, 50))], "its lease has ended: refused, naming what is missing");
        (await at.IsVisibleAsync(App, pushed)).ShouldBeFalse();
    }

    [Fact, Promise("P7")]
    public async Task Run_TheClockJumpsTenYearsAhead_MakesNothingDueBeforeItsTime()
    {
        await using var at = await CollectionFixture.StartAsync();
        var image = await at.PushImageAsync(App, 1, "v1");
        await at.DeleteAsync(App, image);
        var leased = await at.PushBlobAsync(App, Samples.Bytes(5, 100));
        var watch = new ClockWatch(at.Stores.Metadata, at.Incidents, at.StoreTime, NullLogger<ClockWatch>.Instance);
        at.Time.Jump(3650 * Day);
        await watch.RunAsync(CancellationToken.None);
        await at.PassAsync(Day - Hour);
        (await at.RestoreAsync(App, image)).ShouldBe(RestoreOutcome.Restored);
        (await at.HasBytesAsync(Samples.Bytes(5, 100))).ShouldBeTrue($"{leased} has waited for less than its grace");
        await Eventually.ShouldBeAsync(() => IsOpenAsync(at, ClockWatch.Leapt), true);

        await at.DeleteAsync(App, image);
        await at.PassAsync((7 * Day) - Hour);
        (await at.CountAsync("SELECT COUNT(*) FROM trash")).ShouldBe(2);
        await at.PassAsync(5 * Day);
        (await at.CountAsync("SELECT COUNT(*) FROM blobs")).ShouldBe(0, "it goes on all the same");
        await watch.RunAsync(CancellationToken.None);
        await Eventually.ShouldBeAsync(() => IsOpenAsync(at, ClockWatch.Leapt), false);
    }

    [Fact, Promise("P7")]
    public async Task Run_AfterAStartFiveYearsBehind_KeepsWhatWasDeletedThenForItsWholeTime()
    {
        await using var at = await CollectionFixture.StartAsync();
        var image = await at.PushImageAsync(App, 1, "v1");
        at.Time.Advance(Day);
        at.Time.Jump(-5 * 365 * Day);
        await at.RestartAsync();
        var watch = new ClockWatch(at.Stores.Metadata, at.Incidents, at.StoreTime, NullLogger<ClockWatch>.Instance);
        await watch.RunAsync(CancellationToken.None);
        await Eventually.ShouldBeAsync(() => IsOpenAsync(at, ClockWatch.Behind), true);
        await at.DeleteAsync(App, image);
        at.Time.Jump((5 * 365 * Day) + (30 * Day)); // Set right, after a month off.
        await watch.RunAsync(CancellationToken.None);
        await at.PassAsync((7 * Day) - Hour);
        (await at.RestoreAsync(App, image)).ShouldBe(RestoreOutcome.Restored);
        await Eventually.ShouldBeAsync(() => IsOpenAsync(at, ClockWatch.Behind), false);
        await at.DeleteAsync(App, image);
        await at.PassAsync(12 * Day);
        (await at.CountAsync("SELECT COUNT(*) FROM blobs")).ShouldBe(0);
    }

    [Fact, Promise("P7")]
    public async Task Run_AfterThreeWeeksOff_TakesWhatHasHadItsTimeWithoutThem()
    {
        await using var at = await CollectionFixture.StartAsync();
        var image = await at.PushImageAsync(App, 1, "v1");
        await at.DeleteAsync(App, image);
        at.Time.Advance(6 * Day);
        await at.StoreTime.SaveAsync(at.Stores.Metadata, CancellationToken.None);
        at.Time.Advance(21 * Day);
        await at.RestartAsync();
        await at.PassAsync(Day - (2 * Hour));
        (await at.CountAsync("SELECT COUNT(*) FROM trash")).ShouldBe(2);
        await at.PassAsync(3 * Hour);
        (await at.CountAsync("SELECT COUNT(*) FROM trash")).ShouldBe(0);
    }

    [Fact, Promise("P3")]
    public async Task Run_TheClockJumpsWhileSomebodyPushes_KeepsItsLease()
    {
        await using var at = await CollectionFixture.StartAsync(at => at.Options = at.Options with { Grace = TimeSpan.Zero });
        var blob = Samples.Bytes(2, 50);
        await at.PushBlobAsync(App, blob);
        at.Time.Jump(365 * Day);
        await at.RunAsync();
        await at.PutAsync(App, Samples.Image(blob), "v1");
        await at.PushBlobAsync(App, Samples.Bytes(3, 50));
        await at.PassAsync(3 * Hour);
        (await at.HasBytesAsync(Samples.Bytes(3, 50))).ShouldBeFalse("a lease ends an hour after it was taken, also after a jump");
        await at.ShouldBeSoundAsync();
    }

    private static async ValueTask<bool> IsOpenAsync(CollectionFixture at, string subject) =>
        (await at.ReadAsync(db => Storage.Metadata.Incidents.ListOpen(db, 100))).Any(one => one.Kind == IncidentKind.Clock && one.Subject == subject);

    [Fact]
    public async Task Emergency_EmptiesTheTrashAndLeavesWhatIsHeld()
    {
        await using var at = await CollectionFixture.StartAsync();
        var kept = await at.PushImageAsync(App, 1, "kept");
        var index = Samples.Index(await at.PushImageAsync(App, 2), kept);
        await at.PutAsync(App, index, "gone");
        var untagged = await at.PushImageAsync(App, 3);
        at.Time.Advance(2 * Hour); // The leases of these pushes are over.
        await at.DeleteAsync(App, index);
        await at.PushBlobAsync(App, Samples.Bytes(4, 100));

        var times = at.Collector.TimesOf(new CollectionRun { Emergency = true });
        var forecast = await at.ReadAsync(db => CollectionForecast.Whole(db, times));
        var figures = await at.Collector.RunAsync(new CollectionRun { Emergency = true }, CancellationToken.None);
        (forecast.Manifests, forecast.Links, forecast.Blobs, forecast.Bytes)
            .ShouldBe((figures.PurgedManifests, figures.RemovedLinks, figures.RemovedBlobs, figures.FreedBytes), "a dry run says what a run does");
        figures.RemovedBlobs.ShouldBe(4);
        (await at.CountAsync("SELECT COUNT(*) FROM trash")).ShouldBe(0);
        (await at.IsVisibleAsync(App, kept)).ShouldBeTrue();
        (await at.IsVisibleAsync(App, untagged)).ShouldBeTrue();
        (await at.HasBytesAsync(Samples.Bytes(4, 100))).ShouldBeTrue("it is leased");
        await at.ShouldBeSoundAsync();
    }

    [Fact]
    public async Task Run_Cancelled_StopsBetweenBatchesAndTheNextGoesOn()
    {
        await using var at = await CollectionFixture.StartAsync();
        for (var i = 0; i < 150; i++)
            await at.PushBlobAsync(App, Samples.Bytes(i, 10));
        at.Time.Advance(2 * Day);
        using var stop = new CancellationTokenSource();
        var run = new CollectionRun
        {
            Progress = _ =>
            {
                stop.Cancel();
                return default;
            },
        };
        await Should.ThrowAsync<OperationCanceledException>(() => at.Collector.RunAsync(run, stop.Token));
        (await at.CountAsync("SELECT COUNT(*) FROM links")).ShouldBe(50);
        await at.RunAsync();
        (await at.CountAsync("SELECT COUNT(*) FROM links")).ShouldBe(0);
        await at.ShouldBeSoundAsync();
    }

    [Fact, Promise("P10")]
    public async Task Run_WithARate_WaitsAfterEachBatch()
    {
        await using var at = await CollectionFixture.StartAsync(at => at.Options = at.Options with { MaxReviewsPerSecond = 100 });
        for (var i = 0; i < 150; i++)
            await at.PushBlobAsync(App, Samples.Bytes(i, 10));
        at.Time.Advance(2 * Day);
        var first = new TaskCompletionSource();
        var run = at.Collector.RunAsync(
            new CollectionRun
            {
                Progress = _ =>
                {
                    first.TrySetResult();
                    return default;
                },
            },
            CancellationToken.None);
        await first.Task;
        (await at.CountAsync("SELECT COUNT(*) FROM links")).ShouldBe(50, "the clock stands, so the second batch waits");
        for (; !run.IsCompleted; await Task.Yield())
            at.Time.Advance(TimeSpan.FromSeconds(1));
        (await run).RemovedLinks.ShouldBe(150);
    }
}
