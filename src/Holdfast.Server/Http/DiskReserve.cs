using Holdfast.Storage.Blobs;

namespace Holdfast.Server.Http;

/// <summary>
/// The free space below which nothing is accepted any more, while pulls and deletes go on (P10). The store is asked once a second
/// at most; a push counts what it brings against the last answer, and is refused by an answer of this moment only.
/// </summary>
internal sealed class DiskReserve(IBlobStore blobs, long reserveBytes, TimeProvider time)
{
    // What a client states may be any number; this one can be added to.
    private const long MaxIncomingBytes = 1L << 60;

    private readonly Lock _lock = new();
    private long _askedAt;
    private long? _freeBytes;
    private long _takenBytes; // Since it was asked last.
    private bool _refused;

    /// <summary>Is told what is wrong while pushes are refused because there is no room, and null once there is again.</summary>
    public Action<string?> Report { get; init; } = static _ => { };

    /// <summary>Lets go of what can be had again until so many bytes are free beside the reserve, if there is as much of it. Asked before anything is refused.</summary>
    public Func<long, CancellationToken, Task> GiveWay { get; set; } = static (_, _) => Task.CompletedTask;

    /// <summary>Would storing that many bytes leave less than the reserve?</summary>
    /// <param name="incomingBytes">Bytes about to be stored; 0 if unknown.</param>
    public bool IsShort(long incomingBytes)
    {
        lock (_lock)
            return IsShortBy(LastFreeBytes(), incomingBytes) && IsShortBy(blobs.MeasureSpace()?.FreeBytes, incomingBytes);
    }

    /// <summary>The same, after what can be had again has given way.</summary>
    public async ValueTask<bool> IsShortAsync(long incomingBytes, CancellationToken cancellationToken)
    {
        if (!IsShort(incomingBytes))
            return false;
        await GiveWay(Math.Min(incomingBytes, MaxIncomingBytes), cancellationToken);
        lock (_lock)
        {
            _askedAt = 0; // What was taken until now is written, or nearly, and would count twice.
            return IsShort(incomingBytes);
        }
    }

    /// <returns>How many bytes would have to go before so many are free beside the reserve.</returns>
    public long MissingBytes(long besideBytes) => blobs.MeasureSpace() is { } space ? Math.Max(0, besideBytes - (space.FreeBytes - reserveBytes)) : 0;

    /// <summary>How much beside the reserve what can be had again leaves to others: as much once more.</summary>
    public long SpareBytes => reserveBytes;

    /// <summary>Takes room for bytes that are stored next; many uploads at once can't all count on the same last answer.</summary>
    /// <returns>False, and nothing taken, if that would leave less than the reserve.</returns>
    public bool TryTake(long bytes)
    {
        lock (_lock)
        {
            if (IsShort(bytes))
                return false;
            _takenBytes += bytes;
            return true;
        }
    }

    /// <summary>The same, after what can be had again has given way.</summary>
    public async ValueTask<bool> TryTakeAsync(long bytes, CancellationToken cancellationToken) =>
        TryTake(bytes) || (!await IsShortAsync(bytes, cancellationToken) && TryTake(bytes));

    /// <summary>Answers 507 with the figures.</summary>
    public Task FailAsync(RegistryRequest request)
    {
        // Asked anew: the last answer may come from before the disk filled up.
        var free = blobs.MeasureSpace()?.FreeBytes ?? 0;
        NoteRefusal(free);
        return request.FailAsync(
            Outcome.StoreFull,
            $"the registry's disk has {free} bytes free and keeps {reserveBytes} in reserve; free some room or lower disk.reserve. "
            + "Pulls and deletes go on.",
            json =>
            {
                json.WriteNumber("freeBytes"u8, free);
                json.WriteNumber("reserveBytes"u8, reserveBytes);
            });
    }

    /// <summary>Looks whether there is room again; cheap, for every few seconds.</summary>
    public void LookAgain()
    {
        lock (_lock)
        {
            if (_refused && IsFull(blobs.MeasureSpace()?.FreeBytes ?? long.MaxValue))
                return;
            _refused = false;
        }
        Report(null);
    }

    // A push that is larger than all the room there is gets its 507, and is no incident: others go on.
    private void NoteRefusal(long free)
    {
        if (!IsFull(free))
            return;
        lock (_lock)
            _refused = true;
        Report($"pushes are refused: the disk of the data folder has less free than the {reserveBytes} bytes kept in reserve (disk.reserve). Pulls and deletes go on. Free some room");
    }

    // Without a reserve the disk may still be too full for a file.
    private bool IsFull(long free) => free < Math.Max(reserveBytes, 1 << 20);

    private bool IsShortBy(long? freeBytes, long incomingBytes) => freeBytes - _takenBytes - incomingBytes < reserveBytes;

    private long? LastFreeBytes()
    {
        var now = time.GetTimestamp();
        if (_askedAt != 0 && time.GetElapsedTime(_askedAt, now) < TimeSpan.FromSeconds(1))
            return _freeBytes;
        (_askedAt, _takenBytes) = (now, 0);
        return _freeBytes = blobs.MeasureSpace()?.FreeBytes;
    }
}
