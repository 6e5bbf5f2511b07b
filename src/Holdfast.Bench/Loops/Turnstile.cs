namespace Holdfast.Bench.Loops;

/// <summary>Hands out operations of which each can be done once only, to all threads together.</summary>
/// <param name="count">How many there are; a run is planned so that they suffice.</param>
internal sealed class Turnstile(int count)
{
    private int _taken = -1;

    public int Next() => Interlocked.Increment(ref _taken) % count;
}
