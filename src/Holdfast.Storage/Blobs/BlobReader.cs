namespace Holdfast.Storage.Blobs;

/// <summary>Positioned reads of one blob. Safe for concurrent reads; dispose closes it.</summary>
public abstract class BlobReader : IAsyncDisposable
{
    /// <summary>The stored size in bytes when the reader was opened.</summary>
    public abstract long SizeBytes { get; }

    /// <returns>Bytes read; 0 only at the end of what is stored.</returns>
    /// <exception cref="IOException">The bytes could not be read.</exception>
    public abstract ValueTask<int> ReadAsync(long offsetBytes, Memory<byte> buffer, CancellationToken cancellationToken);

    public abstract ValueTask DisposeAsync();
}
