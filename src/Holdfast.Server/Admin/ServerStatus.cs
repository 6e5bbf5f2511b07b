namespace Holdfast.Server.Admin;

/// <summary>What runs, since when, and how much room it has.</summary>
/// <param name="FreeBytes">On the disk of the blobs; null if the store has no such limit.</param>
/// <param name="Registries">Their names.</param>
public sealed record ServerStatus(
    string Version,
    DateTimeOffset StartedAt,
    long UptimeSeconds,
    long? FreeBytes,
    long? TotalBytes,
    long ReserveBytes,
    IReadOnlyList<string> Registries);
