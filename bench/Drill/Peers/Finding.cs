namespace Holdfast.Drill.Peers;

/// <summary>What a scenario showed.</summary>
/// <param name="Right">Nothing accepted is broken, and no answer was untrue.</param>
internal sealed record Finding(bool Right, string What);
