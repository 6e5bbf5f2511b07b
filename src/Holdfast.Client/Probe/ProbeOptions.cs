namespace Holdfast.Client.Probe;

public sealed class ProbeOptions
{
    /// <summary>HEAD and size only, never the bytes of blobs.</summary>
    public bool Fast { get; init; }

    /// <summary>Tags in one round; failing ones and those that were checked the longest ago come first. Null: all of them.</summary>
    public int? MaxTags { get; init; }

    /// <summary>Is a registry without repositories as it should be? Whoever doesn't know must take it for one that has lost its folder.</summary>
    public bool MayBeEmpty { get; init; }

    /// <summary>Requests at once.</summary>
    public int Parallel { get; init; } = 8;

    public TimeProvider Time { get; init; } = TimeProvider.System;
}
