using Holdfast.Server.Heal;
using Simulation.Scheduling;

namespace Simulation.Clients;

/// <summary>Another registry, or a folder: it has what it was given, and sometimes says no, gives wrong bytes, or breaks off.</summary>
internal sealed class SimulatedDonor(World world) : Donor
{
    public override string Name => "donor";

    /// <summary>Does it do what it should from now on?</summary>
    public bool IsGood { get; set; }

    public override async Task<DonorAnswer> FetchAsync(WantedBytes wanted, Intake intake, CancellationToken cancellationToken)
    {
        await world.Schedule.Wait("ask the donor", Faults.None);
        var bytes = (byte[])Content.BytesOf(wanted.Digest).Clone();
        var mishap = IsGood ? 9 : world.Random.Next(10);
        if (mishap == 0)
            return DonorAnswer.Not("does not have it");
        if (mishap == 1 && bytes.Length > 0)
            bytes[world.Random.Next(bytes.Length)] ^= 1;
        if (mishap == 2)
            bytes = bytes[..world.Random.Next(bytes.Length)];
        await intake.RestartAsync(cancellationToken);
        foreach (var chunk in bytes.Chunk(world.Random.Next(5, bytes.Length + 6)))
        {
            await world.Schedule.Wait("the donor sends", Faults.None);
            await intake.AppendAsync(chunk, cancellationToken);
        }
        return mishap == 3 ? DonorAnswer.Not("broke off") : DonorAnswer.Given;
    }

    public override void Dispose()
    {
    }
}
