using Holdfast.Configuration;

namespace Holdfast.Registry2;

/// <summary>What was made of it, and whether it holds.</summary>
/// <param name="Written">Files, the configuration first; none without -o.</param>
/// <param name="Check">As `config check` sees the new configuration; null if there is none.</param>
internal sealed record MoveOutcome(MoveResult Result, IReadOnlyList<string> Written, LoadResult? Check);
