namespace Holdfast.Drill.Database;

/// <param name="Program">The built server.</param>
internal sealed record DatabaseOptions(string Program)
{
    /// <summary>Twice before each loss.</summary>
    public int Pushes { get; init; } = 100;

    public int Seed { get; init; } = 1;

    public string? Parent { get; init; }

    public bool Keep { get; init; }

    public Action<string> Say { get; init; } = _ => { };
}

/// <param name="End">What the start did.</param>
/// <param name="Seconds">Until the server was ready.</param>
internal sealed record LossResult(string Loss, string End, double Seconds, long TagsChecked, long ManifestsChecked, int Faults);

internal sealed record DatabaseResult(int Seed, long Acknowledged, IReadOnlyList<LossResult> Losses, double Seconds, IReadOnlyList<string> Faults);
