using Holdfast.Bench.Http;

namespace Holdfast.Bench.Loops;

/// <summary>What the threads of one measurement have in common.</summary>
/// <param name="CountFrom">Stopwatch ticks at which the warm-up ends.</param>
/// <param name="Timeout">Without a byte for this long, a request has failed.</param>
internal sealed record Course(Target Target, Pace Pace, Halt Halt, long CountFrom, TimeSpan Timeout)
{
    // A server that refuses connections isn't to be asked as fast as a loop can.
    public static readonly TimeSpan AfterRefusal = TimeSpan.FromMilliseconds(10);

    /// <summary>Is it part of the measurement? In an open loop, what was due after the warm-up; in a closed one what ended after it, or else a server slower than the duration would be left without figures.</summary>
    public bool Counts(long due, long end) => (Pace.IsOpen ? due : end) >= CountFrom;

    public Connection Connect(bool hashes = false) => new(Target, Halt, Timeout) { Hashes = hashes };
}
