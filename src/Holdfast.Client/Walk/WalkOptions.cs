namespace Holdfast.Client.Walk;

public sealed class WalkOptions
{
    /// <summary>HEAD and size instead of the bytes of blobs. A registry can answer so for bytes that it no longer has.</summary>
    public bool Fast { get; init; }

    /// <summary>Requests at once.</summary>
    public int Parallel { get; init; } = 8;

    /// <summary>What was read already: in this run, and before if somebody kept it.</summary>
    public ReadLedger Ledger { get; init; } = new(TimeProvider.System, TimeSpan.MaxValue);

    public TimeProvider Time { get; init; } = TimeProvider.System;
}
