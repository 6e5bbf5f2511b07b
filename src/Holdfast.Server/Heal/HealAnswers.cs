namespace Holdfast.Server.Heal;

/// <summary>What came of trying everything now.</summary>
/// <param name="Healed">The first 1,000.</param>
/// <param name="Left">The first 1,000 that are not healed.</param>
public sealed record HealRun(long HealedCount, long LeftCount, IReadOnlyList<HealResult> Healed, IReadOnlyList<HealResult> Left);

/// <param name="Id">The incident's.</param>
/// <param name="By">What healed it; null: nothing did.</param>
/// <param name="Why">Why it is not healed; null if it is.</param>
public sealed record HealResult(long Id, string Kind, string Subject, string? By, string? Why);
