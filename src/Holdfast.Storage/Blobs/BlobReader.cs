using System.Runtime.InteropServices;

namespace Holdfast.Storage.Blobs;

/// <summary>Positioned reads of one blob. Safe for concurrent reads; dispose closes it.</summary>
public abstract class BlobReader : IAsyncDisposable
{
    /// <summary>The stored size in bytes when the reader was opened.</summary>
    public abstract long SizeBytes { get; }

    /// <summary>
    /// Opaque; another value once somebody may have changed the stored bytes from outside. Equal to that of the time when the bytes were hashed,
    /// it says that they still are what they were.
    /// </summary>
    public abstract long Stamp { get; }

    /// <summary>Asks the store anew: were the bytes of this reader possibly changed since it was opened?</summary>
    /// <exception cref="IOException">That is not known.</exception>
    public abstract ValueTask<bool> WasChangedAsync(CancellationToken cancellationToken);

    /// <returns>Bytes read; 0 only at the end of what is stored.</returns>
    /// <exception cref="IOException">The bytes could not be read.</exception>
    public abstract ValueTask<int> ReadAsync(long offsetBytes, Memory<byte> buffer, CancellationToken cancellationToken);

    /// <summary>
    /// Hands stored bytes to a socket that doesn't block, without bringing them into this program's memory. Bytes that are not yet with the peer's program are
    /// still the store's: who changes the store changes them.
    /// </summary>
    /// <returns>Bytes taken; 0 if there is no room now, this store can't do that, or anything is wrong, which reading then tells.</returns>
    public virtual int TrySend(SafeHandle socket, long offsetBytes, int countBytes) => 0;

    public abstract ValueTask DisposeAsync();
}
