using System.Collections.Concurrent;
using Holdfast.Oci;

namespace Holdfast.Server.Caching;

/// <summary>What clients are getting from caches just now, so that it isn't evicted meanwhile.</summary>
internal sealed class Transfers
{
    private readonly ConcurrentDictionary<Digest, int> _running = new();

    public bool IsRunning(Digest digest) => _running.ContainsKey(digest);

    /// <summary>Dispose when it has ended.</summary>
    public Transfer Enter(Digest digest)
    {
        _running.AddOrUpdate(digest, 1, static (_, count) => count + 1);
        return new Transfer(this, digest);
    }

    private void Leave(Digest digest)
    {
        while (_running.TryGetValue(digest, out var count))
        {
            if (count > 1 ? _running.TryUpdate(digest, count - 1, count) : _running.TryRemove(KeyValuePair.Create(digest, count)))
                return;
        }
    }

    public readonly struct Transfer(Transfers transfers, Digest digest) : IDisposable
    {
        public void Dispose() => transfers.Leave(digest);
    }
}
