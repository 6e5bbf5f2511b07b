using Holdfast.Oci;

namespace Holdfast.Storage.Blobs;

/// <summary>
/// The bytes of one upload session, hashed as they come. Not safe for concurrent use. Dispose releases handles and hash state
/// and keeps the bytes, so that the session can be opened again; only <see cref="CommitAsync"/> makes a blob of them.
/// </summary>
public abstract class BlobWriter : IAsyncDisposable
{
    public abstract Guid Upload { get; }

    /// <summary>Bytes received so far.</summary>
    public abstract long SizeBytes { get; }

    /// <summary>Adds bytes at the end. The memory is the caller's again when this returns; chunks of 64 KiB to 1 MiB are best.</summary>
    /// <exception cref="StoreFullException">There is no room; nothing was added, and the session goes on once there is.</exception>
    /// <exception cref="IOException">
    /// Nothing was added; or what was stored is lost, and then every later call throws too and the session's bytes are removed.
    /// </exception>
    public abstract ValueTask AppendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken);

    /// <summary>Forgets everything from <paramref name="sizeBytes"/> on; the rest is hashed again.</summary>
    public abstract ValueTask TruncateAsync(long sizeBytes, CancellationToken cancellationToken);

    /// <summary>To be called between two requests of a session: the store may give up what an idle session should not hold, such as a file handle.</summary>
    public abstract ValueTask ParkAsync();

    /// <summary>
    /// Makes a blob of the bytes if their hash is <paramref name="expected"/>: they are synced, renamed into place and the folder synced
    /// before this returns (P1). A blob already stored under that digest is replaced, which heals it if it was damaged.
    /// </summary>
    /// <exception cref="IOException">It is not known to be stored. The session's bytes are gone: they must be sent again.</exception>
    public abstract ValueTask<BlobCommitOutcome> CommitAsync(Digest expected, CancellationToken cancellationToken);

    /// <summary>Are the bytes so far those of this digest? Nothing is changed by asking.</summary>
    public abstract ValueTask<bool> MatchesAsync(Digest expected, CancellationToken cancellationToken);

    /// <summary>
    /// Reads what was appended, while more is, and after the commit and the end of this writer too. From now on the store keeps the bytes where they are read fast. The
    /// reader's size and stamp are those of now. The caller disposes it.
    /// </summary>
    public abstract ValueTask<BlobReader> OpenReaderAsync(CancellationToken cancellationToken);

    /// <summary>Of the blob that <see cref="CommitAsync"/> stored (<see cref="BlobReader.Stamp"/>); 0 before that.</summary>
    public abstract long Stamp { get; }

    public abstract ValueTask DisposeAsync();
}

public enum BlobCommitOutcome
{
    /// <summary>The blob is stored durably and the session's bytes are gone from the uploads.</summary>
    Stored,

    /// <summary>The hash is another one; nothing was stored and the session's bytes are still there.</summary>
    DigestMismatch,
}

/// <summary>The store has no room left (ENOSPC, EDQUOT, or the store's own limit).</summary>
public sealed class StoreFullException : IOException
{
    public StoreFullException(string message, Exception? inner) : base(message, inner)
    {
    }
}

/// <summary>The store takes no writes, and would not if asked again at once: its file system is read-only, or the disk below the database refuses them. Reading goes on.</summary>
public sealed class StoreUnwritableException : IOException
{
    public StoreUnwritableException(string message, Exception? inner) : base(message, inner)
    {
    }
}
