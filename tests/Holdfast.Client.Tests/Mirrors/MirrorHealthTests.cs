using System.Collections.Concurrent;
using Holdfast.Oci;
using Holdfast.Server.Tests.Hosting;
using Holdfast.Testing;
using Microsoft.AspNetCore.Http;
using Shouldly;
using Xunit;

namespace Holdfast.Client.Tests.Mirrors;

/// <summary>Mirrors that fail are left alone for a while. The clock is moved by hand.</summary>
public class MirrorHealthTests
{
    private readonly ManualTime _time = new();
    private int _asked;

    [Fact]
    public async Task Rest_OfAMirrorThatKeepsFailing_DoublesUpToAMinute()
    {
        await using var bad = await Mirroring.ServeAsync(503);
        await using var good = await Mirroring.ServeAsync();
        using var upstream = Start(bad.Address, good.Address);
        var requests = 0;

        foreach (var rest in new[] { 1, 2, 4, 8, 16, 32, 60, 60 })
        {
            await GetAsync(upstream);
            bad.Requests.Count.ShouldBe(++requests);
            _time.Advance(TimeSpan.FromSeconds(rest) - TimeSpan.FromTicks(1));
            await GetAsync(upstream);
            bad.Requests.Count.ShouldBe(requests, $"it rests for {rest} s");
            _time.Advance(TimeSpan.FromTicks(1));
        }
    }

    /// <summary>Somebody sets the clock right; a rest of a minute must not become one of a day.</summary>
    [Theory]
    [InlineData(-1)]
    [InlineData(1)]
    public async Task Rest_WhileTheClockIsSet_IsNeitherLongerNorShorter(int days)
    {
        var status = 429;
        await using var only = await Upstream.StartAsync((context, _) => status == 200 ? context.SendManifestAsync() : context.AnswerAsync(status));
        using var upstream = new Mirroring(only.Address) { Time = _time }.Start();
        await GetAsync(upstream, RegistryOutcome.SlowDown);
        status = 200;

        _time.Jump(TimeSpan.FromDays(days));
        _time.Advance(TimeSpan.FromSeconds(59));
        await GetAsync(upstream, RegistryOutcome.SlowDown);
        only.Requests.Count.ShouldBe(1);
        _time.Advance(TimeSpan.FromSeconds(1));
        await GetAsync(upstream);
    }

    [Fact]
    public async Task Rest_AfterAGoodAnswer_BeginsAtASecondAgain()
    {
        var status = 503;
        await using var first = await Upstream.StartAsync((context, _) => status == 200 ? context.SendManifestAsync() : context.AnswerAsync(status));
        await using var second = await Mirroring.ServeAsync();
        using var upstream = Start(first.Address, second.Address);
        await GetAsync(upstream);
        _time.Advance(TimeSpan.FromSeconds(1));
        await GetAsync(upstream);
        _time.Advance(TimeSpan.FromSeconds(2));
        status = 200;
        await GetAsync(upstream);
        status = 503;
        await GetAsync(upstream);
        first.Requests.Count.ShouldBe(4);

        _time.Advance(TimeSpan.FromSeconds(1));
        await GetAsync(upstream);

        first.Requests.Count.ShouldBe(5);
    }

    [Fact]
    public async Task Rest_ForOneObjectThatAlwaysFails_StaysASecond()
    {
        await using var first = await Mirroring.ServeAsync(500);
        await using var second = await Mirroring.ServeAsync();
        using var upstream = Start(first.Address, second.Address);

        for (var i = 1; i < 5; i++)
        {
            (await upstream.GetAsync("broken")).Failure.ShouldBeNull();
            first.Requests.Count.ShouldBe(i);
            _time.Advance(TimeSpan.FromSeconds(1));
        }
    }

    [Fact]
    public async Task Rest_OfAMirrorThatFailsManyAtOnce_IsOne()
    {
        using var all = new CountdownEvent(8);
        await using var bad = await Upstream.StartAsync(async (context, _) =>
        {
            all.Signal();
            using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
            while (!all.IsSet)
                await poll.WaitForNextTickAsync(context.RequestAborted);
            await context.AnswerAsync(502);
        });
        await using var good = await Mirroring.ServeAsync();
        using var upstream = Start(bad.Address, good.Address);

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => GetAsync(upstream)));

        upstream.Mirrors[0].RestsUntil.ShouldBe(_time.GetUtcNow() + TimeSpan.FromSeconds(1));
    }

    /// <summary>Such as who has the last known digest of a tag.</summary>
    [Fact]
    public async Task MirrorThatHasLongBeenDown_IsAskedByOneAndWaitedForByNobodyWhoCanDoWithout()
    {
        var (hangs, release) = (false, new TaskCompletionSource());
        await using var only = await Upstream.StartAsync(async (context, _) =>
        {
            if (hangs)
                await release.Task.WaitAsync(context.RequestAborted);
            await context.AnswerAsync(503);
        });
        using var upstream = new Mirroring(only.Address) { Time = _time, AnswerTimeout = TimeSpan.FromSeconds(10) }.Start();
        // So soon it may be up again in a moment: both wait for it.
        await Mirroring.MoveUntilAsync(_time, HeadAsync(upstream, canDoWithout: false));
        var before = only.Requests.Count;
        await Mirroring.MoveUntilAsync(_time, HeadAsync(upstream, canDoWithout: true));
        only.Requests.Count.ShouldBeGreaterThan(before);
        _time.Advance(TimeSpan.FromSeconds(70));
        (hangs, before) = (true, only.Requests.Count);
        var trial = HeadAsync(upstream, canDoWithout: true);
        using (var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(5)))
        {
            while (only.Requests.Count == before)
                await poll.WaitForNextTickAsync();
        }

        // By a clock that stands still.
        (await HeadAsync(upstream, canDoWithout: true)).Failure!.Outcome.ShouldBe(RegistryOutcome.Unavailable);

        only.Requests.Count.ShouldBe(before + 1);
        trial.IsCompleted.ShouldBeFalse();
        release.SetResult();
        (await trial).Failure!.Outcome.ShouldBe(RegistryOutcome.Unavailable);
        (await HeadAsync(upstream, canDoWithout: true)).Failure!.Outcome.ShouldBe(RegistryOutcome.Unavailable);
        only.Requests.Count.ShouldBe(before + 1, "it rests, and nothing is tried again");
    }

    [Fact]
    public async Task Rest_ThatIsOver_IsTriedByOne()
    {
        var (hangs, release) = (false, new TaskCompletionSource());
        await using var first = await Upstream.StartAsync(async (context, _) =>
        {
            if (hangs)
                await release.Task.WaitAsync(context.RequestAborted);
            await context.AnswerAsync(503);
        });
        await using var second = await Mirroring.ServeAsync();
        using var upstream = Start(first.Address, second.Address);
        await GetAsync(upstream);
        hangs = true;
        _time.Advance(TimeSpan.FromSeconds(1));
        var trial = GetAsync(upstream);
        using (var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(5)))
        {
            while (first.Requests.Count < 2)
                await poll.WaitForNextTickAsync();
        }

        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => GetAsync(upstream)));

        first.Requests.Count.ShouldBe(2);
        trial.IsCompleted.ShouldBeFalse();
        release.SetResult();
        await trial;
    }

    /// <summary>Who waits behind others waits no longer than for an answer, so that what is known can be served instead.</summary>
    [Fact]
    [Promise("P10")]
    public async Task Get_BehindOthersThatTakeLong_IsUnavailableAfterTheAnswerTimeout()
    {
        var release = new TaskCompletionSource();
        await using var only = await Upstream.StartAsync(async (context, _) =>
        {
            context.Response.ContentType = MediaTypes.OciIndex;
            await context.Response.StartAsync();
            await context.Response.Body.FlushAsync();
            await release.Task.WaitAsync(context.RequestAborted);
            await context.Response.Body.WriteAsync(System.Text.Encoding.UTF8.GetBytes(Mirroring.Json));
        });
        using var upstream = new Mirroring(only.Address) { Time = _time, MaxConnections = 4 }.Start();
        var first = upstream.GetAsync("v1").AsTask();
        while (only.Requests.IsEmpty)
            await Task.Yield();
        var second = upstream.GetAsync("v2").AsTask();

        (await Mirroring.MoveUntilAsync(_time, second)).ShouldBeInRange(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(5));

        var failure = (await second).Failure.ShouldNotBeNull();
        failure.Outcome.ShouldBe(RegistryOutcome.Unavailable);
        failure.Detail.ShouldContain("busy with other questions");
        upstream.Mirrors[0].RestsUntil.ShouldBeNull();
        only.Requests.Count.ShouldBe(1);
        release.SetResult();
        (await first.WaitAsync(Mirroring.Limit)).Failure.ShouldBeNull();
    }

    [Fact]
    public async Task State_OfAMirror_IsToldAsItChanges()
    {
        var status = 503;
        var told = new ConcurrentQueue<MirrorState>();
        await using var only = await Upstream.StartAsync((context, _) => status == 200 ? context.SendManifestAsync() : context.AnswerAsync(status));
        using var upstream = new Mirroring(only.Address) { Time = _time, Changed = told.Enqueue }.Start();
        var began = _time.GetUtcNow();
        await upstream.GetAsync("v1");
        status = 200;
        _time.Advance(TimeSpan.FromSeconds(1));
        await upstream.GetAsync("v1");
        await upstream.GetAsync("v1");

        told.Count.ShouldBe(2);
        var rests = told.First();
        (rests.Host, rests.Since, rests.RestsUntil).ShouldBe((only.Address.Authority, began, began.AddSeconds(1)));
        rests.Why!.Detail.ShouldContain("503");
        var up = told.Last();
        (up.Since, up.RestsUntil, up.Why).ShouldBe((began.AddSeconds(1), null, null));
        upstream.Mirrors.ShouldHaveSingleItem().Latency.ShouldNotBeNull();
    }

    [Theory]
    [InlineData("7", 7)]
    [InlineData(null, 60)]
    [InlineData("86400", 3600)]
    [InlineData("0", 1)]
    public async Task Get_After429_AsksNothingUntilItMay(string? retryAfter, int seconds)
    {
        var slow = true;
        await using var only = await Upstream.StartAsync((context, _) =>
        {
            if (!slow)
                return context.SendManifestAsync();
            context.Response.Headers.RetryAfter = retryAfter;
            return context.AnswerAsync(429);
        });
        // A rest that is short enough would be waited for, if it were another.
        using var upstream = new Mirroring(only.Address) { Time = _time, AnswerTimeout = TimeSpan.FromHours(2) }.Start();
        (await upstream.GetAsync("v1")).Outcome.ShouldBe(RegistryOutcome.SlowDown);
        var until = upstream.Mirrors[0].RestsUntil!.Value;

        var failure = (await upstream.GetAsync("v2")).Failure.ShouldNotBeNull();

        failure.Outcome.ShouldBe(RegistryOutcome.SlowDown);
        failure.RetryAfter!.Value.ShouldBe(until - _time.GetUtcNow());
        until.ShouldBe(_time.GetUtcNow() + TimeSpan.FromSeconds(seconds));
        slow = false;
        _time.Advance(until - _time.GetUtcNow() - TimeSpan.FromTicks(1));
        (await upstream.GetAsync("v3")).Outcome.ShouldBe(RegistryOutcome.SlowDown);
        only.Requests.Count.ShouldBe(1);
        _time.Advance(TimeSpan.FromTicks(1));
        (await upstream.GetAsync("v4")).Failure.ShouldBeNull();
    }

    [Fact]
    public async Task Get_WhileTheRestIsLong_FailsAtOnceAndSaysWhy()
    {
        var address = await Mirroring.ClosedAsync();
        using var upstream = Start(address);
        await GetAsync(upstream, RegistryOutcome.Unavailable);
        _time.Advance(TimeSpan.FromSeconds(1));
        await GetAsync(upstream, RegistryOutcome.Unavailable);
        _time.Advance(TimeSpan.FromSeconds(2));
        await GetAsync(upstream, RegistryOutcome.Unavailable);

        var failure = (await upstream.GetAsync("v9")).Failure.ShouldNotBeNull();

        failure.Outcome.ShouldBe(RegistryOutcome.Unavailable);
        failure.Detail.ShouldContain("is not asked for 4 more seconds");
        failure.Detail.ShouldContain("refused");
    }

    [Fact]
    public void Answer_ToWhatWasAskedBeforeARest_DoesNotEndIt()
    {
        var health = new Health(_time);
        var before = _time.GetUtcNow();
        health.NoteFailure("a", before, new RegistryFailure(RegistryOutcome.SlowDown, "slow", TimeSpan.FromSeconds(60)));

        health.NoteAnswer(before).ShouldBeFalse();

        health.Enter().ShouldBe(Turn.Resting);
    }

    [Fact]
    public async Task Get_OfABlobStoreThatIsAway_LetsTheRegistryNotRest()
    {
        var away = await Mirroring.ClosedAsync();
        await using var only = await Upstream.StartAsync((context, _) =>
            context.Request.Path.Value!.Contains("blobs", StringComparison.Ordinal) ? context.RedirectAsync(away.ToString()) : context.SendManifestAsync());
        using var upstream = Start(only.Address);

        (await upstream.OpenBlobAsync(Samples.Repository, Samples.DigestOf([1]), CancellationToken.None)).Outcome.ShouldBe(RegistryOutcome.Unavailable);

        upstream.Mirrors[0].RestsUntil.ShouldBeNull();
        await GetAsync(upstream);
    }

    private Client.Upstream Start(params Uri[] addresses) => new Mirroring(addresses) { Time = _time }.Start();

    // Each for another object: what one object does to a mirror is a test of its own.
    private async Task GetAsync(Client.Upstream upstream, RegistryOutcome expected = RegistryOutcome.Found) =>
        (await upstream.GetAsync($"v{Interlocked.Increment(ref _asked)}")).Outcome.ShouldBe(expected);

    private static async Task<RegistryAnswer<RemoteManifestHead>> HeadAsync(Client.Upstream upstream, bool canDoWithout)
    {
        using var tooLong = new CancellationTokenSource(Mirroring.Limit);
        return await upstream.HeadManifestAsync(Samples.Repository, Oci.Tag.Parse("v1"), tooLong.Token, canDoWithout);
    }
}
