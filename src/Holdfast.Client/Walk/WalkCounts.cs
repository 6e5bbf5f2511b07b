namespace Holdfast.Client.Walk;

/// <summary>How far a walk has come; read while it goes on.</summary>
public sealed class WalkCounts
{
    private long _roots, _indexes, _manifests, _blobs, _findings, _bytesRead, _bytesExpected, _heads;

    /// <summary>Tags and digests done with.</summary>
    public long Roots => Interlocked.Read(ref _roots);

    /// <summary>Indexes read or recalled, each once in a repository.</summary>
    public long Indexes => Interlocked.Read(ref _indexes);

    /// <summary>Manifests, indexes not included, each once in a repository.</summary>
    public long Manifests => Interlocked.Read(ref _manifests);

    /// <summary>Configs and layers, each once in a repository.</summary>
    public long Blobs => Interlocked.Read(ref _blobs);

    /// <summary>Objects that are wrong, as often as roots lead to them.</summary>
    public long Findings => Interlocked.Read(ref _findings);

    /// <summary>Bytes received of manifests and blobs.</summary>
    public long BytesRead => Interlocked.Read(ref _bytesRead);

    /// <summary>Bytes read or to be read, as far as manifests have named them by now.</summary>
    public long BytesExpected => Interlocked.Read(ref _bytesExpected);

    /// <summary>Objects asked for by HEAD alone.</summary>
    public long Heads => Interlocked.Read(ref _heads);

    internal void AddRoot() => Interlocked.Increment(ref _roots);

    internal void AddManifest(bool isIndex) => Interlocked.Increment(ref isIndex ? ref _indexes : ref _manifests);

    internal void AddBlob() => Interlocked.Increment(ref _blobs);

    internal void AddFindings(int count) => Interlocked.Add(ref _findings, count);

    internal void AddRead(long bytes) => Interlocked.Add(ref _bytesRead, bytes);

    internal void AddExpected(long bytes) => Interlocked.Add(ref _bytesExpected, bytes);

    internal void AddHead() => Interlocked.Increment(ref _heads);
}
