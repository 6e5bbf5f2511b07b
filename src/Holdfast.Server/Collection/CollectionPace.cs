namespace Holdfast.Server.Collection;

/// <summary>Keeps a run to so many reviews a second, so that collecting doesn't slow down traffic.</summary>
/// <param name="maxPerSecond"><see cref="int.MaxValue"/>: as fast as it goes.</param>
internal sealed class CollectionPace(int maxPerSecond, TimeProvider time)
{
    private readonly long _start = time.GetTimestamp();
    private long _reviews;

    public Task KeepAsync(long reviews, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (maxPerSecond == int.MaxValue)
            return Task.CompletedTask;
        _reviews += reviews;
        var ahead = TimeSpan.FromSeconds((double)_reviews / maxPerSecond) - time.GetElapsedTime(_start);
        return ahead > TimeSpan.Zero ? Task.Delay(ahead, time, cancellationToken) : Task.CompletedTask;
    }
}
