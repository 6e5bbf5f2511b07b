using Holdfast.Drill.Crash;
using Holdfast.Drill.Damage;
using Holdfast.Drill.Database;
using Holdfast.Drill.Race;

namespace Holdfast.Drill.Tests;

/// <summary>Short runs of the drills; <c>./dev drill</c> has the long ones. A failure's message has the seed.</summary>
public sealed class DrillTests(ITestOutputHelper output)
{
    private const int Seed = 20260501;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    [Promise("P1")]
    [Promise("P3")]
    public async Task CrashLoop_KilledAtRandomMoments_LosesAndBreaksNothing()
    {
        var result = await new CrashLoop(new CrashOptions(Server.Program)
        {
            Kills = 20,
            Seed = Seed,
            Traffic = TimeSpan.FromMilliseconds(700),
            Check = TimeSpan.FromMilliseconds(500),
            Say = output.WriteLine,
        }).RunAsync(Token);

        result.Faults.ShouldBeEmpty();
        result.Kills.ShouldBeGreaterThanOrEqualTo(20);
        result.Acknowledged.ShouldBeGreaterThan(20);
        result.Deleted.ShouldBeGreaterThan(0);
    }

    [Fact]
    [Promise("P3")]
    [Promise("P5")]
    public async Task Race_PushesBesideCollectionWithoutGrace_BreaksNothing()
    {
        var result = await new RaceDrill(new RaceOptions(Server.Program) { Pushes = 2_000, Seed = Seed, Pairs = 0, Say = output.WriteLine }).RunAsync(Token);

        result.Faults.ShouldBeEmpty();
        result.Pushed.ShouldBeGreaterThanOrEqualTo(2_000);
        result.FreedBytes.ShouldBeGreaterThan(0, "nothing was collected, so nothing was raced");
        result.GuardedRefusals.ShouldBeGreaterThan(0, "no delete tried what is in use");
    }

    [Fact]
    [Promise("P4")]
    [Promise("P8")]
    public async Task DamagedFiles_WhileClientsPull_AreNeverServedAndAllFoundAndHealed()
    {
        var result = await new DamageDrill(new DamageOptions(Server.Program)
        {
            Images = 100,
            Wounds = 60,
            Seed = Seed,
            LayerBytes = 64 << 10,
            Sweep = TimeSpan.FromSeconds(1),
            Say = output.WriteLine,
        }).RunAsync(Token);

        result.Faults.ShouldBeEmpty();
        result.Wounded.ShouldBeGreaterThanOrEqualTo(60);
        result.HealedByPush.ShouldBeGreaterThan(0);
        result.HealedByDonor.ShouldBeGreaterThan(0);
        result.Interrupted.ShouldBeGreaterThan(0, "no client met the damage");
    }

    [Fact]
    [Promise("P1")]
    public async Task DatabaseLost_InEveryWay_NothingIsLost()
    {
        var result = await new DatabaseDrill(new DatabaseOptions(Server.Program) { Pushes = 40, Seed = Seed, Say = output.WriteLine }).RunAsync(Token);

        result.Faults.ShouldBeEmpty();
        result.Losses.Count.ShouldBe(Enum.GetValues<DatabaseLoss>().Length);
    }
}
