namespace Holdfast.Server.Caching;

/// <summary>One who reads the bytes of a fetch. Dispose to leave.</summary>
internal sealed class FetchReader(FetchedBytes bytes) : IAsyncDisposable
{
    private int _hasLeft;

    internal long Offset { get; set; }

    /// <summary>It gets nothing more.</summary>
    internal bool IsCut { get; set; }

    /// <summary>After its last byte; null: the end of the blob.</summary>
    internal long? End { get; set; }

    /// <summary>Reads this part only. Before the first read.</summary>
    public void Restrict(long first, long end) => bytes.Place(this, first, end);

    /// <summary>Waits until there is something to read.</summary>
    /// <returns>How many bytes can be read at once; 0 at the end.</returns>
    /// <exception cref="Http.FetchBrokenException">As <see cref="ReadAsync"/>.</exception>
    public ValueTask<long> WaitAsync(CancellationToken cancellationToken) => bytes.WaitAsync(this, cancellationToken);

    /// <summary>Waits until there is something to read. The end of what is read comes only when all bytes of the blob are there and right.</summary>
    /// <returns>Bytes read; 0 at the end.</returns>
    /// <exception cref="Http.FetchBrokenException">No more will come, or what came was wrong.</exception>
    public ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken) => bytes.ReadAsync(this, buffer, cancellationToken);

    public ValueTask DisposeAsync() => Interlocked.Exchange(ref _hasLeft, 1) == 0 ? bytes.LeaveAsync(this) : default;
}
