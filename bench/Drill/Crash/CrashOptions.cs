namespace Holdfast.Drill.Crash;

/// <param name="Program">The built server.</param>
internal sealed record CrashOptions(string Program)
{
    public int Kills { get; init; } = 300;

    public int Pushers { get; init; } = 8;

    public int Deleters { get; init; } = 2;

    public int Seed { get; init; } = 1;

    /// <summary>Traffic between two kills lasts up to this long.</summary>
    public TimeSpan Traffic { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>What one round's check of untagged manifests may take.</summary>
    public TimeSpan Check { get; init; } = TimeSpan.FromSeconds(2);

    public int LayerBytes { get; init; } = 32 << 10;

    /// <summary>Where the data lie; null: in the system's folder for temporary files.</summary>
    public string? Parent { get; init; }

    public bool Keep { get; init; }

    public Action<string> Say { get; init; } = _ => { };
}

/// <param name="Faults">Anything lost, broken, undead, or answered wrongly; none is right.</param>
internal sealed record CrashResult(
    int Seed, int Kills, int KillsWhileStarting, long Acknowledged, long Deleted, long GuardedRefusals, long Refused, long TagsChecked, long ManifestsChecked,
    double MedianStartSeconds, double SlowestStartSeconds, double Seconds, IReadOnlyDictionary<string, int> Incidents, IReadOnlyList<string> Faults);
