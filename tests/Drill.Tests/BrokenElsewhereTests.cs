using Holdfast.Drill.Peers;

namespace Holdfast.Drill.Tests;

/// <summary>The ten ways in which images have been broken by other registries; here each must come out right on the real program.</summary>
public sealed class BrokenElsewhereTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    [Promise("P3")]
    public Task R1_OneOfTwoTagsRemovedAndCollected_ImageStaysWhole() => ExpectRightAsync("R1");

    [Fact]
    [Promise("P3")]
    public Task R2_TaggedIndexCollectedWithoutGrace_ImageStaysWhole() => ExpectRightAsync("R2");

    [Fact]
    [Promise("P4")]
    public Task R3_SameProcessAfterCollection_HeadAndGetAgree() => ExpectRightAsync("R3");

    [Fact]
    [Promise("P2")]
    public async Task R4_ManifestAfterCollectionAndExpiredLease_IsRefusedNamingAllThatIsMissing() =>
        (await Server.TryAsync("R4", Token)).ShouldBe(new Finding(true, "400, naming 3 of 3 that are missing"));

    [Fact]
    [Promise("P3")]
    public async Task R4_ManifestAfterCollectionWithinLease_IsAcceptedAndWhole() =>
        (await Server.TryAsync(Scenario.Named("R4"), TimeSpan.FromHours(1), Token)).ShouldBe(new Finding(true, "201, whole"));

    [Fact]
    [Promise("P3")]
    public async Task R5_DeleteOfChild_IsRefusedNamingTheIndex() =>
        (await Server.TryAsync("R5", Token)).ShouldBe(new Finding(true, "409, naming the index; whole"));

    [Fact]
    [Promise("P3")]
    public async Task R6_DeleteOfLayerInUse_IsRefusedNamingTheManifest() =>
        (await Server.TryAsync("R6", Token)).ShouldBe(new Finding(true, "409, naming the manifest; whole"));

    [Fact]
    [Promise("P4")]
    public Task R7_FlippedBit_IsNeverServed() => ExpectRightAsync("R7");

    [Fact]
    [Promise("P4")]
    public Task R8_PushAgainAfterFlip_Heals() => ExpectRightAsync("R8");

    [Fact]
    [Promise("P3")]
    public Task R9_LossInOneRepository_LeavesTheOtherWhole() => ExpectRightAsync("R9");

    [Fact]
    [Promise("P5")]
    public async Task R10_PushersBesideCollection_LoseNothing() => await ExpectRightAsync("R10");

    [Fact]
    public void Scenarios_AreTheTen() => Scenario.All.Select(scenario => scenario.Name).Order(StringComparer.Ordinal)
        .ShouldBe(Enumerable.Range(1, 10).Select(number => $"R{number}"), ignoreOrder: true);

    private static async Task ExpectRightAsync(string scenario)
    {
        var finding = await Server.TryAsync(scenario, Token);
        finding.Right.ShouldBeTrue(finding.What);
    }
}
