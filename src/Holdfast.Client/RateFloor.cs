namespace Holdfast.Client;

/// <summary>
/// Notices a transfer that goes on and leads nowhere. Only the time that is spent waiting for bytes counts, not what the caller does with them; and each minute of it for itself, so that
/// gigabytes that came quickly don't pay for an hour of drops.
/// </summary>
internal sealed class RateFloor(RegistryClientOptions options)
{
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    private TimeSpan _waited;
    private long _bytes;

    /// <summary>Looks at one wait and what it brought.</summary>
    /// <returns>Null if that is enough; else what to tell.</returns>
    public string? Note(TimeSpan waited, long bytes)
    {
        (_waited, _bytes) = (_waited + waited, _bytes + bytes);
        if (options.MinBytesPerSecond <= 0 || _waited < Window)
            return null;
        var (took, came) = (_waited, _bytes);
        (_waited, _bytes) = (TimeSpan.Zero, 0);
        return came >= options.MinBytesPerSecond * took.TotalSeconds ? null : $"only {came} bytes came in {took.TotalSeconds:0} seconds";
    }
}
