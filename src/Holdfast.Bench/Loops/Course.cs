using Holdfast.Bench.Http;

namespace Holdfast.Bench.Loops;

/// <summary>What the threads of one measurement have in common.</summary>
/// <param name="CountFrom">Stopwatch ticks; what was due earlier is warm-up.</param>
/// <param name="Timeout">Without a byte for this long, a request has failed.</param>
internal sealed record Course(Target Target, Pace Pace, Halt Halt, long CountFrom, TimeSpan Timeout)
{
    // A server that refuses connections isn't to be asked as fast as a loop can.
    public static readonly TimeSpan AfterRefusal = TimeSpan.FromMilliseconds(10);

    public Connection Connect(bool hashes = false) => new(Target, Halt, Timeout) { Hashes = hashes };
}
