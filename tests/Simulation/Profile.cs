using Holdfast.Server;
using Simulation.Caches;

namespace Simulation;

/// <summary>
/// What one history is made of. Drawn anew for each: histories that leave some things out reach deeper into what they keep than if each had a
/// little of everything.
/// </summary>
internal sealed record Profile
{
    /// <summary>Requests and background runs beside each other.</summary>
    public required int Clients { get; init; }

    /// <summary>Of the steps of the disk and the database, one in this many fails; 0: none.</summary>
    public required int FaultOneIn { get; init; }

    /// <summary>Before one in this many steps the power goes; 0: it doesn't.</summary>
    public required int CrashOneIn { get; init; }

    public required bool ClockJumps { get; init; }

    public required TimeSpan Grace { get; init; }

    public required TimeSpan Keep { get; init; }

    /// <summary>Does the power sometimes take the database along?</summary>
    public required bool LosesRows { get; init; }

    public required long ScrubBytesPerSecond { get; init; }

    /// <summary>Is the disk ever so full that all of the trash must go?</summary>
    public required bool HasEmergencies { get; init; }

    public required bool HasPurges { get; init; }

    /// <summary>Is there somebody to have right bytes from?</summary>
    public required bool HasDonor { get; init; }

    /// <summary>Of retention; the first that fits a repository holds.</summary>
    public required IReadOnlyList<RetentionOptions> Rules { get; init; }

    /// <summary>Null: there are only hosted registries.</summary>
    public required CacheProfile? Caches { get; init; }

    /// <summary>How often each action is taken, relative to the others.</summary>
    public required int[] Weights { get; init; }

    public static Profile Draw(Random random)
    {
        var hasCaches = random.Next(2) == 0;
        var weights = new int[Actions.All.Count];
        for (var i = 0; i < weights.Length; i++)
            weights[i] = (random.Next(4) == 0 && Actions.All[i].MayBeLeftOut) || (Actions.All[i].OfCaches && !hasCaches) ? 0 : 1 + random.Next(Actions.All[i].Weight * 2);
        return new Profile
        {
            Clients = 1 + random.Next(6),
            FaultOneIn = random.Next(2) == 0 ? 0 : 30 + random.Next(300),
            CrashOneIn = random.Next(3) == 0 ? 0 : 100 + random.Next(1500),
            ClockJumps = random.Next(4) == 0,
            Grace = TimeSpan.FromMinutes(random.Next(3) switch { 0 => 0, 1 => 20, _ => 24 * 60 }),
            Keep = TimeSpan.FromHours(random.Next(3) switch { 0 => 1, 1 => 24, _ => 24 * 7 }),
            LosesRows = random.Next(2) == 0,
            ScrubBytesPerSecond = random.Next(3) == 0 ? 100 : long.MaxValue,
            HasEmergencies = random.Next(4) == 0,
            HasPurges = random.Next(2) == 0,
            HasDonor = random.Next(2) == 0,
            Rules = [.. Enumerable.Range(0, random.Next(4)).Select(_ => DrawRule(random))],
            Caches = hasCaches ? CacheProfile.Draw(random) : null,
            Weights = weights,
        };
    }

    /// <summary>The rule's words for a repository; null: everything stays there.</summary>
    public RetentionOptions? RuleOf(int repository) => Rules.FirstOrDefault(rule => rule.Repositories[0] is "**" || rule.Repositories[0] == $"r{repository}");

    private static RetentionOptions DrawRule(Random random) => new()
    {
        Registries = ["*"],
        Repositories = [random.Next(3) == 0 ? "**" : $"r{random.Next(World.Repositories)}"],
        KeepNewest = random.Next(2) == 0 ? random.Next(4) : null,
        KeepTags = random.Next(3) == 0 ? [$"t{random.Next(World.TagNames)}"] : [],
        KeepYoungerThan = random.Next(4) == 0 ? TimeSpan.FromHours(1 + random.Next(48)) : null,
        KeepPulledWithin = random.Next(4) == 0 ? TimeSpan.FromHours(1 + random.Next(48)) : null,
        UntaggedAfter = random.Next(2) == 0 ? TimeSpan.FromMinutes(random.Next(2000)) : null,
        MaxRemovedPercent = random.Next(4) switch { 0 => 25, 1 => 60, _ => 100 },
    };
}
