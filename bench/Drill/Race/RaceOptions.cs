namespace Holdfast.Drill.Race;

/// <param name="Program">The built server.</param>
internal sealed record RaceOptions(string Program)
{
    public int Pushes { get; init; } = 100_000;

    public int Clients { get; init; } = 16;

    public int Deleters { get; init; } = 2;

    public int Seed { get; init; } = 1;

    /// <summary>Pairs of phases, one with and one without collection and scrub; 0: latencies aren't measured.</summary>
    public int Pairs { get; init; } = 6;

    /// <summary>What is counted of a phase.</summary>
    public TimeSpan Phase { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>A second, on a fixed timetable.</summary>
    public int PushRate { get; init; } = 20;

    public int PullRate { get; init; } = 60;

    public string? Parent { get; init; }

    public bool Keep { get; init; }

    public Action<string> Say { get; init; } = _ => { };
}

/// <param name="Latencies">Null: not measured.</param>
internal sealed record RaceResult(
    int Seed, long Pushed, long Repeated, long Refused, long Deleted, long GuardedRefusals, long TagsChecked, long ManifestsChecked, double PushesPerSecond,
    double Seconds, double FreedBytes, PhaseFigures? Latencies, IReadOnlyDictionary<string, int> Incidents, IReadOnlyList<string> Faults);
