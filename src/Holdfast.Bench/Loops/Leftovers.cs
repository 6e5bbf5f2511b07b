using System.Collections.Concurrent;

namespace Holdfast.Bench.Loops;

/// <summary>What was made in one server, so that it can be said, and taken away again.</summary>
/// <param name="remembers">Keep the names? Else they are only counted: a long run makes millions.</param>
internal sealed class Leftovers(bool remembers)
{
    private readonly ConcurrentDictionary<(string Repository, string Digest), byte> _manifests = new();
    private long _made;
    private long _bytes;

    public long Manifests => Interlocked.Read(ref _made);

    public long Bytes => Interlocked.Read(ref _bytes);

    public IReadOnlyList<(string Repository, string Digest)> Remembered => [.. _manifests.Keys];

    public void Add(string repository, string digest, long bytes)
    {
        if (remembers && !_manifests.TryAdd((repository, digest), 0))
            return;
        Interlocked.Increment(ref _made);
        Interlocked.Add(ref _bytes, bytes);
    }

    /// <summary>So many were deleted by a measurement.</summary>
    public void Forget(long manifests) => Interlocked.Add(ref _made, -manifests);
}
