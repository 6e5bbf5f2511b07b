using Holdfast.Oci;
using Holdfast.Server.Tests.Hosting;
using Shouldly;
using Xunit;

namespace Holdfast.Client.Tests;

/// <summary>Registries that stop talking. The clock is moved by hand.</summary>
public class StallTests
{
    private static readonly byte[] Blob = Samples.Bytes(7, 5);

    [Fact]
    public async Task Head_ThatNeverComes_IsUnavailableAfterTheStallTimeout()
    {
        var time = new ManualTime();
        await using var upstream = await Upstream.StartAsync((context, _) => Task.Delay(Timeout.Infinite, context.RequestAborted));
        using var client = Client(upstream, time);

        var answering = client.GetManifestAsync(Samples.Repository, Tag.Parse("latest"), CancellationToken.None).AsTask();

        (await MoveUntilAsync(time, answering)).ShouldBeGreaterThanOrEqualTo(TimeSpan.FromSeconds(30));
        var failure = (await answering).Failure.ShouldNotBeNull();
        failure.Outcome.ShouldBe(RegistryOutcome.Unavailable);
        failure.Detail.ShouldContain("no byte came for 30 seconds");
    }

    [Fact]
    public async Task Blob_ThatStops_IsUnavailableAfterTheStallTimeout()
    {
        var time = new ManualTime();
        await using var upstream = await Upstream.StartAsync(async (context, _) =>
        {
            context.Response.ContentLength = Blob.Length;
            await context.Response.Body.WriteAsync(Blob.AsMemory(0, 2));
            await context.Response.Body.FlushAsync();
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        });
        using var client = Client(upstream, time);

        var downloading = client.DownloadAsync(Samples.DigestOf(Blob));

        (await MoveUntilAsync(time, downloading)).ShouldBeGreaterThanOrEqualTo(TimeSpan.FromSeconds(30));
        var (answer, received) = await downloading;
        answer.Outcome.ShouldBe(RegistryOutcome.Unavailable);
        answer.Failure!.Detail.ShouldContain("2 bytes received");
        received.ShouldBe(Blob[..2]);
    }

    [Fact]
    public async Task Blob_ThatDrips_IsTakenAsLongAsBytesCome()
    {
        var time = new ManualTime();
        using var drop = new SemaphoreSlim(0);
        using var taken = new SemaphoreSlim(0);
        await using var upstream = await Upstream.StartAsync(async (context, _) =>
        {
            context.Response.ContentLength = Blob.Length;
            for (var i = 0; i < Blob.Length; i++)
            {
                await drop.WaitAsync();
                await context.Response.Body.WriteAsync(Blob.AsMemory(i, 1));
                await context.Response.Body.FlushAsync();
            }
        });
        using var client = Client(upstream, time);

        var downloading = client.DownloadBlobAsync(Samples.Repository, Samples.DigestOf(Blob), Blob.Length, Take, CancellationToken.None).AsTask();
        for (var i = 0; i < Blob.Length; i++)
        {
            time.Advance(TimeSpan.FromSeconds(29));
            drop.Release();
            await taken.WaitAsync(TimeSpan.FromSeconds(20));
        }

        (await downloading).Failure.ShouldBeNull();

        ValueTask Take(ReadOnlyMemory<byte> chunk)
        {
            taken.Release();
            return ValueTask.CompletedTask;
        }
    }

    [Fact]
    public async Task Blob_ThatDripsBelowTheFloor_IsUnavailableAfterAMinuteHoweverFastItBegan()
    {
        var time = new ManualTime();
        var blob = Samples.Bytes(7, 2_000_000);
        await using var upstream = await Upstream.StartAsync(async (context, _) =>
        {
            context.Response.ContentLength = blob.Length;
            await context.Response.Body.WriteAsync(blob.AsMemory(0, 1_900_000));
            using var often = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
            for (var i = 1_900_000; i < blob.Length && await often.WaitForNextTickAsync(context.RequestAborted); i++)
            {
                await context.Response.Body.WriteAsync(blob.AsMemory(i, 1));
                await context.Response.Body.FlushAsync();
            }
        });
        using var client = new RegistryClient(new RegistryClientOptions { Registry = upstream.Address, Time = time, MinBytesPerSecond = 1024 });

        var downloading = client.DownloadAsync(Samples.DigestOf(blob));

        // A second of the clock for each 10 ms, in which two bytes come or so.
        (await MoveUntilAsync(time, downloading)).ShouldBeInRange(TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(5));
        var (answer, received) = await downloading;
        (answer.Outcome, answer.Failure!.EndedEarly).ShouldBe((RegistryOutcome.Unavailable, false));
        answer.Failure.Detail.ShouldContain("bytes came in 6");
        received.Length.ShouldBeInRange(1_900_000, 1_950_000);
    }

    [Fact]
    public async Task Manifest_ThatDrips_IsUnavailableAfterTheDocumentTimeout()
    {
        var time = new ManualTime();
        await using var upstream = await Upstream.StartAsync(async (context, _) =>
        {
            using var often = new PeriodicTimer(TimeSpan.FromMilliseconds(1));
            while (await often.WaitForNextTickAsync(context.RequestAborted))
            {
                await context.Response.Body.WriteAsync(Blob);
                await context.Response.Body.FlushAsync();
            }
        });
        using var client = Client(upstream, time, stallMinutes: 60);

        var answering = client.GetManifestAsync(Samples.Repository, Tag.Parse("latest"), CancellationToken.None).AsTask();

        (await MoveUntilAsync(time, answering)).ShouldBeGreaterThanOrEqualTo(TimeSpan.FromMinutes(2));
        (await answering).Failure!.Detail.ShouldContain("longer than 120 seconds");
    }

    private static RegistryClient Client(Upstream upstream, ManualTime time, double stallMinutes = 0.5) =>
        new(new RegistryClientOptions { Registry = upstream.Address, Time = time, StallTimeout = TimeSpan.FromMinutes(stallMinutes), MaxResumes = 0 });

    /// <summary>Moves the clock second by second until the client gives up.</summary>
    private static async Task<TimeSpan> MoveUntilAsync(ManualTime time, Task done)
    {
        var start = time.GetUtcNow();
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        while (!done.IsCompleted && time.GetUtcNow() - start < TimeSpan.FromMinutes(30))
        {
            await poll.WaitForNextTickAsync();
            time.Advance(TimeSpan.FromSeconds(1));
        }
        return time.GetUtcNow() - start;
    }
}
