using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Holdfast.Oci;

namespace Holdfast.Client.Walk;

/// <summary>
/// What was read from one registry and had the right hash, and when. Bytes are one for all repositories, so that a blob of many images is read once; whether
/// a repository lets clients see it is asked in each.
/// </summary>
/// <param name="maxAge">After this long bytes are read again.</param>
public class ReadLedger(TimeProvider time, TimeSpan maxAge)
{
    private readonly ConcurrentDictionary<DigestKey, long> _readAt = new();
    private readonly ConcurrentDictionary<Digest, Lazy<Task<bool>>> _reading = new();

    /// <summary>Was it read, not too long ago?</summary>
    public virtual bool IsFresh(Digest digest) => _readAt.TryGetValue(DigestKey.Of(digest), out var at) && IsFreshAt(at);

    /// <summary>Does it remember what manifests refer to?</summary>
    public virtual bool Recalls => false;

    /// <summary>The edges of a manifest that was read and isn't too old to be believed; a plain ledger remembers none.</summary>
    public virtual bool TryRecall(Digest digest, [NotNullWhen(true)] out ManifestView? view)
    {
        view = null;
        return false;
    }

    /// <summary>Takes note of a manifest that was read and understood.</summary>
    public virtual void Note(Digest digest, ManifestView view) => NoteRead(digest);

    /// <summary>
    /// Reads once what many want at the same time. The others then get true without having read; if the one who read found it wrong, each of them reads by
    /// itself, since another repository may answer otherwise.
    /// </summary>
    /// <param name="read">Tells whether the bytes were right.</param>
    /// <returns>Did somebody else read it, and was it right?</returns>
    internal async Task<bool> ReadOrShareAsync(Digest digest, Func<Task<bool>> read)
    {
        var mine = new Lazy<Task<bool>>(read);
        var first = _reading.GetOrAdd(digest, mine);
        if (!ReferenceEquals(first, mine))
        {
            if (await first.Value)
                return true;
            await read();
            return false;
        }
        try
        {
            if (await mine.Value)
                NoteRead(digest);
        }
        finally
        {
            _reading.TryRemove(new(digest, mine));
        }
        return false;
    }

    protected void NoteRead(Digest digest) => NoteRead(DigestKey.Of(digest), time.GetUtcNow().ToUnixTimeSeconds());

    protected void NoteRead(DigestKey key, long unixSeconds) => _readAt[key] = unixSeconds;

    protected ICollection<KeyValuePair<DigestKey, long>> ReadTimes => _readAt;

    protected bool TryGetReadAt(DigestKey key, out long unixSeconds) => _readAt.TryGetValue(key, out unixSeconds);

    protected bool Forget(DigestKey key) => _readAt.TryRemove(key, out _);

    private bool IsFreshAt(long unixSeconds) =>
        maxAge == TimeSpan.MaxValue || time.GetUtcNow().ToUnixTimeSeconds() - unixSeconds is >= 0 and var age && age < maxAge.TotalSeconds;
}
