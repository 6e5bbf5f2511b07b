using Holdfast.Oci;
using Holdfast.Testing;
using Microsoft.AspNetCore.Http;
using Shouldly;
using Xunit;

namespace Holdfast.Client.Tests;

/// <summary>Registries that send other bytes than they should, fewer, more, or in pieces.</summary>
public class BlobFaultTests
{
    private static readonly byte[] Blob = Samples.Bytes(7, 100_000);
    private static readonly Digest Wanted = Samples.DigestOf(Blob);

    private const int Half = 50_000;

    [Fact]
    [Promise("P4")]
    public async Task Download_OfOtherBytes_IsMismatch()
    {
        await using var upstream = await Upstream.StartAsync((context, _) => context.SendAsync(Samples.Bytes(8, Blob.Length)));

        var (answer, _) = await DownloadAsync(upstream, Blob.Length);

        answer.Outcome.ShouldBe(RegistryOutcome.Mismatch);
        answer.Failure!.Detail.ShouldContain(Wanted.ToString());
    }

    [Fact]
    public async Task Download_OfAnotherStatedSize_IsMismatchBeforeTheFirstByte()
    {
        await using var upstream = await Upstream.StartAsync((context, _) => context.SendAsync(Blob));

        var (answer, received) = await DownloadAsync(upstream, Blob.Length + 1);

        answer.Outcome.ShouldBe(RegistryOutcome.Mismatch);
        received.ShouldBeEmpty();
    }

    [Fact]
    [Promise("P10")]
    public async Task Download_OfBytesWithoutEnd_EndsAtTheSize()
    {
        await using var upstream = await Upstream.StartAsync(async (context, _) =>
        {
            while (!context.RequestAborted.IsCancellationRequested)
                await context.Response.Body.WriteAsync(Blob, context.RequestAborted);
        });

        var (answer, received) = await DownloadAsync(upstream, Blob.Length);

        answer.Outcome.ShouldBe(RegistryOutcome.Mismatch);
        received.Length.ShouldBeLessThanOrEqualTo(Blob.Length);
    }

    [Fact]
    [Promise("P4")]
    public async Task Download_OfFewerBytesWithoutAStatedSize_IsMismatch()
    {
        await using var upstream = await Upstream.StartAsync((context, _) => context.Response.Body.WriteAsync(Blob.AsMemory(0, Half)).AsTask());

        (await DownloadAsync(upstream, Blob.Length)).Answer.Outcome.ShouldBe(RegistryOutcome.Mismatch);
        (await DownloadAsync(upstream, null)).Answer.Outcome.ShouldBe(RegistryOutcome.Mismatch);
    }

    [Fact]
    public async Task Download_ThatBreaks_GoesOnWhereItEnded()
    {
        await using var upstream = await Upstream.StartAsync((context, number) =>
            number == 1 ? context.BreakAsync(Blob, Half, "\"v1\"") : context.SendRangeAsync(Blob));

        var (answer, received) = await DownloadAsync(upstream, Blob.Length);

        answer.Failure.ShouldBeNull();
        received.ShouldBe(Blob);
        upstream.Requests.Last().Range.ShouldBe($"bytes={Half}-");
        upstream.Requests.Last().IfRange.ShouldBe("\"v1\"");
    }

    [Fact]
    public async Task Download_WithAWeakTag_ResumesWithoutIfRange()
    {
        await using var upstream = await Upstream.StartAsync((context, number) =>
            number == 1 ? context.BreakAsync(Blob, Half, "W/\"v1\"") : context.SendRangeAsync(Blob));

        (await DownloadAsync(upstream, Blob.Length)).Received.ShouldBe(Blob);
        upstream.Requests.Last().IfRange.ShouldBeNull();
    }

    [Fact]
    public async Task Download_ResumedWith200_SkipsWhatItHas()
    {
        await using var upstream = await Upstream.StartAsync((context, number) =>
            number == 1 ? context.BreakAsync(Blob, Half) : context.SendAsync(Blob));

        var (answer, received) = await DownloadAsync(upstream, Blob.Length);

        answer.Failure.ShouldBeNull();
        received.ShouldBe(Blob);
    }

    [Fact]
    public async Task Download_ResumedWithAnotherRange_AsksForTheWhole()
    {
        await using var upstream = await Upstream.StartAsync((context, number) => number switch
        {
            1 => context.BreakAsync(Blob, Half),
            2 => context.SendRangeAsync(Blob, Half + 1),
            _ => context.SendAsync(Blob),
        });

        (await DownloadAsync(upstream, Blob.Length)).Received.ShouldBe(Blob);
        upstream.Requests.Select(r => r.Range).ShouldBe([null, $"bytes={Half}-", null]);
    }

    [Fact]
    public async Task Download_ResumedWith416_AsksForTheWhole()
    {
        await using var upstream = await Upstream.StartAsync((context, number) => number switch
        {
            1 => context.BreakAsync(Blob, Half),
            2 => context.AnswerAsync(416),
            _ => context.SendAsync(Blob),
        });

        (await DownloadAsync(upstream, Blob.Length)).Received.ShouldBe(Blob);
    }

    [Fact]
    public async Task Download_ResumedAfterTheLastByte_IsWhole()
    {
        var received = new TaskCompletionSource();
        await using var upstream = await Upstream.StartAsync(async (context, number) =>
        {
            if (number == 1)
            {
                // In chunks, of which the last one never comes.
                await context.Response.Body.WriteAsync(Blob);
                await context.Response.Body.FlushAsync();
                await received.Task;
                context.Abort();
                return;
            }
            context.Response.Headers.ContentRange = $"bytes */{Blob.Length}";
            await context.AnswerAsync(416);
        });
        using var client = Samples.Client(upstream.Address);
        var left = Blob.Length;

        var answer = await client.DownloadBlobAsync(Samples.Repository, Wanted, Blob.Length, chunk => Take(chunk.Length), CancellationToken.None);

        answer.Failure.ShouldBeNull();
        upstream.Requests.Last().Range.ShouldBe($"bytes={Blob.Length}-");

        ValueTask Take(int count)
        {
            left -= count;
            if (left == 0)
                received.SetResult();
            return ValueTask.CompletedTask;
        }
    }

    [Fact]
    public async Task Download_ResumedWithAnotherSize_IsMismatch()
    {
        await using var upstream = await Upstream.StartAsync((context, number) =>
            number == 1 ? context.BreakAsync(Blob, Half) : context.SendAsync(Samples.Bytes(9, Half)));

        (await DownloadAsync(upstream, Blob.Length)).Answer.Outcome.ShouldBe(RegistryOutcome.Mismatch);
    }

    [Fact]
    public async Task Download_ResumedWithOtherBytes_IsMismatch()
    {
        await using var upstream = await Upstream.StartAsync((context, number) =>
            number == 1 ? context.BreakAsync(Samples.Bytes(9, Blob.Length), Half) : context.SendRangeAsync(Blob));

        (await DownloadAsync(upstream, Blob.Length)).Answer.Outcome.ShouldBe(RegistryOutcome.Mismatch);
    }

    // R3 of what was measured: a Content-Length, and not one byte.
    [Fact]
    [Promise("P10")]
    public async Task Download_ThatAlwaysBreaks_IsUnavailableAfterBoundedTries()
    {
        await using var upstream = await Upstream.StartAsync((context, _) => context.BreakAsync(Blob, 0));

        var (answer, _) = await DownloadAsync(upstream, Blob.Length);

        answer.Outcome.ShouldBe(RegistryOutcome.Unavailable);
        upstream.Requests.Count.ShouldBe(1 + new RegistryClientOptions { Registry = upstream.Address }.MaxResumes);
    }

    [Theory]
    [InlineData(404, RegistryOutcome.Unknown)]
    [InlineData(403, RegistryOutcome.Denied)]
    public async Task Download_ResumedWithAnAnswerThatStays_EndsWithIt(int status, RegistryOutcome expected)
    {
        await using var upstream = await Upstream.StartAsync((context, number) =>
            number == 1 ? context.BreakAsync(Blob, Half) : context.AnswerAsync(status));

        (await DownloadAsync(upstream, Blob.Length)).Answer.Outcome.ShouldBe(expected);
        upstream.Requests.Count.ShouldBe(2);
    }

    [Fact]
    public async Task Download_ResumedWith429ForAnHour_IsSlowDownAtOnce()
    {
        await using var upstream = await Upstream.StartAsync((context, number) =>
        {
            context.Response.Headers.RetryAfter = "3600";
            return number == 1 ? context.BreakAsync(Blob, Half) : context.AnswerAsync(429);
        });

        var failure = (await DownloadAsync(upstream, Blob.Length)).Answer.Failure.ShouldNotBeNull();

        failure.Outcome.ShouldBe(RegistryOutcome.SlowDown);
        failure.RetryAfter.ShouldBe(TimeSpan.FromHours(1));
    }

    [Fact]
    public async Task Download_ResumedAfter503_GoesOn()
    {
        await using var upstream = await Upstream.StartAsync((context, number) => number switch
        {
            1 => context.BreakAsync(Blob, Half),
            2 => context.AnswerAsync(503),
            _ => context.SendRangeAsync(Blob),
        });

        (await DownloadAsync(upstream, Blob.Length)).Received.ShouldBe(Blob);
    }

    [Fact]
    public async Task Download_IntoASinkThatThrows_ThrowsThatOn()
    {
        await using var upstream = await Upstream.StartAsync((context, _) => context.SendAsync(Blob));
        using var client = Samples.Client(upstream.Address);

        await Should.ThrowAsync<IOException>(async () => await client.DownloadBlobAsync(
            Samples.Repository, Wanted, null, _ => throw new IOException("our disk is full"), CancellationToken.None));
        upstream.Requests.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Download_ThatIsCancelled_Throws()
    {
        using var cancelled = new CancellationTokenSource();
        await using var upstream = await Upstream.StartAsync(async (context, _) =>
        {
            await cancelled.CancelAsync();
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        });
        using var client = Samples.Client(upstream.Address);

        await Should.ThrowAsync<OperationCanceledException>(() => client.DownloadAsync(Wanted, token: cancelled.Token));
    }

    private static async Task<(RegistryAnswer<long> Answer, byte[] Received)> DownloadAsync(Upstream upstream, long? size)
    {
        using var client = Samples.Client(upstream.Address);
        return await client.DownloadAsync(Wanted, size);
    }
}
