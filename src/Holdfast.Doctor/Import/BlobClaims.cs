using Holdfast.Oci;

namespace Holdfast.Doctor.Import;

/// <summary>
/// Which blobs a slice is at work on. Two that are taken at once must not bring the same one: a second link to a file changes its stamp, and the blob that the first has just hashed would be in doubt.
/// </summary>
internal sealed class BlobClaims
{
    private readonly Lock _lock = new();
    private readonly HashSet<Digest> _claimed = [];
    private long _releases;
    private TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>How many claims were given back so far.</summary>
    public long Releases => Interlocked.Read(ref _releases);

    /// <summary>Waits until nobody else is at work on any of these, and takes all at once: whoever waits holds nothing.</summary>
    /// <returns>Disposed, it gives them back.</returns>
    public async Task<IDisposable> EnterAsync(IReadOnlyCollection<Digest> digests, CancellationToken token)
    {
        while (true)
        {
            Task released;
            lock (_lock)
            {
                if (!digests.Any(_claimed.Contains))
                {
                    _claimed.UnionWith(digests);
                    return new Claim(this, digests);
                }
                released = _released.Task;
            }
            await released.WaitAsync(token);
        }
    }

    private void Release(IReadOnlyCollection<Digest> digests)
    {
        lock (_lock)
        {
            _claimed.ExceptWith(digests);
            _releases += digests.Count > 0 ? 1 : 0;
            _released.SetResult();
            _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    private sealed class Claim(BlobClaims claims, IReadOnlyCollection<Digest> digests) : IDisposable
    {
        public void Dispose() => claims.Release(digests);
    }
}
