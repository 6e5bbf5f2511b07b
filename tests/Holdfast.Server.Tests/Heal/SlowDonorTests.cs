using Holdfast.Server.Heal;
using Holdfast.Server.Http;
using Holdfast.Server.Tests.Protocol;
using Holdfast.Server.Tests.Scrub;
using Holdfast.Storage.Metadata;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Heal;

/// <summary>A donor that always has one more byte to give.</summary>
public sealed class SlowDonorTests : ScrubbedStores
{
    [Fact, Promise("P10")]
    public async Task Fetch_DonorThatTrickles_IsLeftForTheNextOne()
    {
        var digest = await PushAsync(Samples.Bytes(1, 1000));
        File.Delete(FileOf(digest));
        await Scrub.Sweep.RunAsync(CancellationToken.None);
        var slow = new TricklingDonor();
        using var source = new BytesSource(Stores, [slow, new GivingDonor(Samples.Bytes(1, 1000))], Checks, Time) { Reserve = new DiskReserve(Blobs, 0, Time) };
        var known = (await Stores.Metadata.ReadAsync(digest, static (db, digest) => BlobChecks.Find(db, digest), CancellationToken.None)).ShouldNotBeNull();
        var fetching = source.FetchAsync(known, CancellationToken.None);
        await slow.Asked.Task;
        Time.Advance(TimeSpan.FromMinutes(4));
        fetching.IsCompleted.ShouldBeFalse();
        Time.Advance(TimeSpan.FromMinutes(2));
        (await fetching.WaitAsync(TimeSpan.FromSeconds(20))).By.ShouldBe("donor giving");
        (await OpenIncidentsAsync()).ShouldBeEmpty();
    }

    private sealed class TricklingDonor : Donor
    {
        public TaskCompletionSource Asked { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override string Name => "trickling";

        public override async Task<DonorAnswer> FetchAsync(WantedBytes wanted, Intake intake, CancellationToken cancellationToken)
        {
            await intake.AppendAsync(new byte[1], cancellationToken);
            Asked.SetResult();
            await Task.Delay(Timeout.Infinite, cancellationToken);
            return DonorAnswer.Given;
        }

        public override void Dispose()
        {
        }
    }

    private sealed class GivingDonor(byte[] content) : Donor
    {
        public override string Name => "giving";

        public override async Task<DonorAnswer> FetchAsync(WantedBytes wanted, Intake intake, CancellationToken cancellationToken)
        {
            await intake.RestartAsync(cancellationToken);
            await intake.AppendAsync(content, cancellationToken);
            return DonorAnswer.Given;
        }

        public override void Dispose()
        {
        }
    }
}
