using System.Globalization;
using Holdfast.Oci;
using Holdfast.Server.Tests.Hosting;
using Holdfast.Testing;
using Microsoft.AspNetCore.Http;
using Shouldly;
using Xunit;

namespace Holdfast.Client.Tests.Mirrors;

/// <summary>Blobs that break on their way, and where they go on.</summary>
public class MirroredBlobTests
{
    private const int Half = 50_000;

    private static readonly byte[] Blob = Samples.Bytes(7, 100_000);
    private static readonly Digest Wanted = Samples.DigestOf(Blob);

    private readonly ManualTime _time = new();

    [Fact]
    public async Task Read_ThatBreaks_GoesOnAtTheSameMirrorWithARange()
    {
        await using var only = await Upstream.StartAsync((context, number) => number == 1 ? context.BreakAsync(Blob, Half) : context.SendRangeAsync(Blob));
        using var upstream = Start(only.Address);

        (await ReadAsync(upstream)).ShouldBe(Blob);

        only.Requests.Select(r => r.Range).ShouldBe([null, $"bytes={Half}-"]);
        upstream.Mirrors[0].RestsUntil.ShouldBeNull();
    }

    [Theory]
    [InlineData(404)]
    [InlineData(403)]
    [InlineData(503)]
    public async Task Read_ThatBreaksForGood_GoesOnAtTheNextMirror(int status)
    {
        await using var first = await Upstream.StartAsync((context, number) => number == 1 ? context.BreakAsync(Blob, Half) : context.AnswerAsync(status));
        await using var second = await Upstream.StartAsync((context, _) => context.SendRangeAsync(Blob));
        using var upstream = Start(first.Address, second.Address);

        (await ReadAsync(upstream)).ShouldBe(Blob);

        second.Requests.ShouldHaveSingleItem().Range.ShouldBe($"bytes={Half}-");
        (upstream.Mirrors[0].RestsUntil is not null).ShouldBe(status == 503);
    }

    // One that has it no longer doesn't say that there is none, while the origin can't be asked.
    [Fact]
    [Promise("P6")]
    public async Task Read_AtAMirrorThatLosesTheBlobWhileTheOriginRests_IsNotUnknown()
    {
        var broke = false;
        await using var first = await Upstream.StartAsync((context, _) =>
        {
            if (broke || context.Request.Path.Value!.Contains("/manifests/", StringComparison.Ordinal))
                return context.AnswerAsync(404);
            broke = true;
            return context.BreakAsync(Blob, Half);
        });
        await using var origin = await Upstream.StartAsync((context, _) =>
        {
            context.Response.Headers.RetryAfter = "3600";
            return context.AnswerAsync(429);
        });
        using var upstream = Start(first.Address, origin.Address);
        (await upstream.GetAsync("v1")).Outcome.ShouldBe(RegistryOutcome.SlowDown);

        var broken = await Should.ThrowAsync<BlobBrokenException>(() => ReadAsync(upstream));

        broken.Failure.Outcome.ShouldBe(RegistryOutcome.Unavailable);
    }

    [Fact]
    public async Task Read_AtAMirrorWithoutRanges_GoesOnToo()
    {
        await using var first = await Upstream.StartAsync((context, number) => number == 1 ? context.BreakAsync(Blob, Half) : context.AnswerAsync(404));
        await using var second = await Upstream.StartAsync((context, _) => context.SendAsync(Blob));
        using var upstream = Start(first.Address, second.Address);

        (await ReadAsync(upstream)).ShouldBe(Blob);
    }

    [Fact]
    public async Task Read_AtAMirrorWithAnotherSize_IsBroken()
    {
        await using var first = await Upstream.StartAsync((context, number) => number == 1 ? context.BreakAsync(Blob, Half) : context.AnswerAsync(404));
        await using var second = await Upstream.StartAsync((context, _) => context.SendRangeAsync(Samples.Bytes(7, Blob.Length + 1)));
        using var upstream = Start(first.Address, second.Address);

        var broken = await Should.ThrowAsync<BlobBrokenException>(() => ReadAsync(upstream));

        broken.Failure.Outcome.ShouldBe(RegistryOutcome.Mismatch);
    }

    /// <summary>The one that takes over says no size, and could go on for ever.</summary>
    [Fact]
    [Promise("P10")]
    public async Task Read_AtAMirrorThatSendsMore_IsBroken()
    {
        await using var first = await Upstream.StartAsync((context, number) => number == 1 ? context.BreakAsync(Blob, Half) : context.AnswerAsync(404));
        await using var second = await Upstream.StartAsync(async (context, _) =>
        {
            await context.Response.Body.WriteAsync(Blob);
            while (!context.RequestAborted.IsCancellationRequested)
                await context.Response.Body.WriteAsync(Blob, context.RequestAborted);
        });
        using var upstream = Start(first.Address, second.Address);

        var broken = await Should.ThrowAsync<BlobBrokenException>(() => ReadAsync(upstream));

        broken.Failure.Outcome.ShouldBe(RegistryOutcome.Mismatch);
        broken.Failure.Detail.ShouldContain($"more than the {Blob.Length} bytes");
    }

    // More is stated than there is, each time: 64 KiB of an answer that never has its last byte.
    [Fact]
    [Promise("P10")]
    public async Task Read_OfALyingContentLength_IsBrokenAfterBoundedTries()
    {
        await using var only = await Upstream.StartAsync((context, number) =>
        {
            if (number == 1)
                return context.BreakAsync(Blob, Half);
            context.Response.StatusCode = 206;
            context.Response.Headers.ContentRange = $"bytes {Half}-{Blob.Length - 1}/{Blob.Length}";
            return context.BreakAsync(Blob[Half..], 0);
        });
        using var upstream = Start(only.Address);

        var broken = await Should.ThrowAsync<BlobBrokenException>(() => ReadAsync(upstream));

        broken.Failure.EndedEarly.ShouldBeTrue();
        only.Requests.Count.ShouldBeInRange(2, 6);
        upstream.Mirrors[0].Why.ShouldNotBeNull();
    }

    [Fact]
    public async Task Read_WhoseTokenExpiresMidway_GoesOnWithAFreshOne()
    {
        var issued = 0;
        var valid = "";
        await using var realm = await Upstream.StartAsync((context, _) =>
        {
            valid = $"t{Interlocked.Increment(ref issued).ToString(CultureInfo.InvariantCulture)}";
            return context.AnswerAsync(200, $$"""{"token":"{{valid}}","expires_in":300}""");
        });
        var broke = false;
        await using var only = await Upstream.StartAsync((context, _) =>
        {
            if (context.Request.Headers.Authorization != $"Bearer {valid}")
                return context.ChallengeAsync($"Bearer realm=\"{realm.Address}\",service=x");
            if (broke)
                return context.SendRangeAsync(Blob);
            (broke, valid) = (true, "revoked");
            return context.BreakAsync(Blob, Half);
        });
        using var upstream = Start(only.Address);

        (await ReadAsync(upstream)).ShouldBe(Blob);

        realm.Requests.Count.ShouldBe(2);
        only.Requests.Select(r => (r.Authorization, r.Range)).ShouldBe(
            [(null, null), ("Bearer t1", null), ("Bearer t1", $"bytes={Half}-"), ("Bearer t2", $"bytes={Half}-")]);
    }

    [Fact]
    public async Task Open_FromAByteOn_AsksForTheRange()
    {
        await using var only = await Upstream.StartAsync((context, _) => context.SendRangeAsync(Blob));
        using var upstream = Start(only.Address);

        var blob = (await upstream.OpenBlobAsync(Samples.Repository, Wanted, Half, CancellationToken.None)).Value;

        blob.SizeBytes.ShouldBe(Blob.Length);
        (await blob.ReadAsync()).ShouldBe(Blob[Half..]);
        only.Requests.ShouldHaveSingleItem().Range.ShouldBe($"bytes={Half}-");
    }

    [Fact]
    public async Task Open_FromAByteOn_ThatBreaks_GoesOnWhereItEnded()
    {
        await using var only = await Upstream.StartAsync((context, number) =>
        {
            if (number > 1)
                return context.SendRangeAsync(Blob);
            context.Response.StatusCode = 206;
            context.Response.Headers.ContentRange = $"bytes {Half}-{Blob.Length - 1}/{Blob.Length}";
            return context.BreakAsync(Blob[Half..], 10, "\"v1\"");
        });
        using var upstream = Start(only.Address);

        (await ReadAsync(upstream, Half)).ShouldBe(Blob[Half..]);

        (only.Requests.Last().Range, only.Requests.Last().IfRange).ShouldBe(($"bytes={Half + 10}-", "\"v1\""));
    }

    [Fact]
    public async Task Open_FromAByteOn_OfARegistryWithoutRanges_SkipsWhatTheCallerHas()
    {
        await using var only = await Upstream.StartAsync((context, _) => context.SendAsync(Blob));
        using var upstream = Start(only.Address);

        (await ReadAsync(upstream, Half)).ShouldBe(Blob[Half..]);
    }

    [Fact]
    public async Task Open_FromAByteOn_OfARegistryWithRangesOfItsOwn_AsksForTheWhole()
    {
        await using var only = await Upstream.StartAsync((context, number) => number == 1 ? context.SendRangeAsync(Blob, Half + 1) : context.SendAsync(Blob));
        using var upstream = Start(only.Address);

        (await ReadAsync(upstream, Half)).ShouldBe(Blob[Half..]);

        only.Requests.Select(r => r.Range).ShouldBe([$"bytes={Half}-", null]);
    }

    [Fact]
    public async Task Open_FromTheEnd_IsEmpty()
    {
        await using var only = await Upstream.StartAsync((context, _) =>
        {
            context.Response.Headers.ContentRange = $"bytes */{Blob.Length}";
            return context.AnswerAsync(416);
        });
        using var upstream = Start(only.Address);

        (await ReadAsync(upstream, Blob.Length)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Open_FromBeyondTheEnd_IsMismatch()
    {
        await using var only = await Upstream.StartAsync((context, _) => context.SendAsync(Blob));
        using var upstream = Start(only.Address);

        (await upstream.OpenBlobAsync(Samples.Repository, Wanted, Blob.Length + 1, CancellationToken.None)).Outcome.ShouldBe(RegistryOutcome.Mismatch);
    }

    [Fact]
    [Promise("P10")]
    public async Task Open_OfMoreThanItsShareOfConnections_WaitsAndLeavesTheRestToDocuments()
    {
        var release = new TaskCompletionSource();
        await using var only = await Upstream.StartAsync(async (context, _) =>
        {
            if (!context.Request.Path.Value!.Contains("blobs", StringComparison.Ordinal))
            {
                await context.SendManifestAsync();
                return;
            }
            context.Response.ContentLength = Blob.Length;
            await context.Response.Body.WriteAsync(Blob.AsMemory(0, 1));
            await context.Response.Body.FlushAsync();
            await release.Task.WaitAsync(context.RequestAborted);
            await context.Response.Body.WriteAsync(Blob.AsMemory(1));
        });
        using var upstream = new Mirroring(only.Address) { Time = _time, MaxConnections = 4 }.Start();
        var open = new List<RemoteBlob>();
        for (var i = 0; i < 3; i++)
            open.Add((await OpenAsync(upstream)).Value);

        var fourth = OpenAsync(upstream);
        (await upstream.GetAsync("v1")).Failure.ShouldBeNull();

        fourth.IsCompleted.ShouldBeFalse();
        only.Requests.Count.ShouldBe(4);
        release.SetResult();
        (await open[0].ReadAsync()).ShouldBe(Blob);
        (await (await fourth.WaitAsync(Mirroring.Limit)).Value.ReadAsync()).ShouldBe(Blob);
        await open[1].DisposeAsync();
        await open[2].DisposeAsync();
    }

    /// <summary>It would hold one of the few places among the connections for ever, also for nobody.</summary>
    [Fact]
    [Promise("P10")]
    public async Task Read_OfDrops_IsBrokenAfterAMinute()
    {
        await using var only = await Upstream.StartAsync(async (context, _) =>
        {
            context.Response.ContentLength = Blob.Length;
            using var often = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
            for (var i = 0; i < Blob.Length && await often.WaitForNextTickAsync(context.RequestAborted); i++)
            {
                await context.Response.Body.WriteAsync(Blob.AsMemory(i, 1));
                await context.Response.Body.FlushAsync();
            }
        });
        using var upstream = new Mirroring(only.Address) { Time = _time }.Start();
        var reading = (await OpenAsync(upstream)).Value.ReadAsync();

        (await Mirroring.MoveUntilAsync(_time, reading)).ShouldBeInRange(TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(10));

        (await Should.ThrowAsync<BlobBrokenException>(() => reading)).Failure.Detail.ShouldContain("bytes came in");
    }

    private static Task<RegistryAnswer<RemoteBlob>> OpenAsync(Client.Upstream upstream, long from = 0) =>
        upstream.OpenBlobAsync(Samples.Repository, Wanted, from, CancellationToken.None).AsTask();

    private async Task<byte[]> ReadAsync(Client.Upstream upstream, long from = 0)
    {
        var blob = (await OpenAsync(upstream, from)).Value;
        var reading = blob.ReadAsync();
        await Mirroring.MoveUntilAsync(_time, reading);
        return await reading;
    }

    private Client.Upstream Start(params Uri[] addresses) => new Mirroring(addresses) { Time = _time, AnswerTimeout = TimeSpan.FromHours(1) }.Start();
}
