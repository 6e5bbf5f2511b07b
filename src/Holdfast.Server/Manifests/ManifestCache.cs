using Holdfast.Oci;

namespace Holdfast.Server.Manifests;

/// <summary>
/// Bytes of manifests by digest, within a limit (P10). Content never changes under its digest, so nothing here ever goes stale;
/// whether a repository has the manifest is another question (<see cref="ManifestLookup"/>). What was not used for two turns is dropped first.
/// </summary>
internal sealed class ManifestCache(long limitBytes)
{
    // Two generations: lookups are lock-free, and a full new generation replaces the old one whole, keeping what was used since.
    private readonly Lock _lock = new();
    private System.Collections.Concurrent.ConcurrentDictionary<Digest, byte[]> _fresh = new();
    private System.Collections.Concurrent.ConcurrentDictionary<Digest, byte[]> _aged = new();
    private long _freshBytes;

    public byte[]? Find(Digest digest)
    {
        if (_fresh.TryGetValue(digest, out var payload))
            return payload;
        if (!_aged.TryGetValue(digest, out payload))
            return null;
        Add(digest, payload);
        return payload;
    }

    public void Add(Digest digest, byte[] payload)
    {
        if (payload.Length > limitBytes / 4 || !_fresh.TryAdd(digest, payload))
            return;
        if (Interlocked.Add(ref _freshBytes, payload.Length) < limitBytes / 2)
            return;
        lock (_lock)
        {
            if (_freshBytes < limitBytes / 2)
                return;
            _aged = _fresh;
            _fresh = new();
            _freshBytes = 0;
        }
    }
}
