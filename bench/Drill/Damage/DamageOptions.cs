namespace Holdfast.Drill.Damage;

/// <param name="Program">The built server.</param>
internal sealed record DamageOptions(string Program)
{
    public int Images { get; init; } = 1_000;

    public int Wounds { get; init; } = 200;

    public int Pullers { get; init; } = 4;

    public int Seed { get; init; } = 1;

    public int LayerBytes { get; init; } = 256 << 10;

    /// <summary>From one look at all files to the next; the server's own default.</summary>
    public TimeSpan Sweep { get; init; } = TimeSpan.FromMinutes(1);

    public TimeSpan Period { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>What was removed, truncated, emptied or made unreadable must be an incident by then.</summary>
    public TimeSpan Detect { get; init; } = TimeSpan.FromSeconds(60);

    public TimeSpan Heal { get; init; } = TimeSpan.FromMinutes(2);

    public string? Parent { get; init; }

    public bool Keep { get; init; }

    public Action<string> Say { get; init; } = _ => { };
}

/// <param name="Pulls">Whole responses that the pulling clients compared with their digest while all this went on.</param>
/// <param name="Interrupted">Responses that weren't served, or were cut: right for what is damaged.</param>
internal sealed record DamageResult(
    int Seed, int Images, int Files, int Wounded, IReadOnlyDictionary<string, int> Wounds, long Pulls, long Interrupted,
    IReadOnlyDictionary<string, double> SlowestDetectionSeconds, IReadOnlyDictionary<string, int> IncidentKinds, int HealedByPush, int HealedByDonor, int HealedByItself,
    double SlowestPushHealSeconds, double SlowestDonorHealSeconds, double Seconds, IReadOnlyList<string> Faults);
