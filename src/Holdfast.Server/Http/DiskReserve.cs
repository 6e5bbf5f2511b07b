using Holdfast.Storage.Blobs;

namespace Holdfast.Server.Http;

/// <summary>
/// The free space below which nothing is accepted any more, while pulls and deletes go on (P10). The store is asked once a second
/// at most; a push counts what it brings against the last answer, and is refused by an answer of this moment only.
/// </summary>
internal sealed class DiskReserve(IBlobStore blobs, long reserveBytes, TimeProvider time)
{
    private readonly Lock _lock = new();
    private long _askedAt;
    private long? _freeBytes;
    private long _takenBytes; // Since it was asked last.
    private bool _refused;

    /// <summary>Is told what is wrong while pushes are refused because there is no room, and null once there is again.</summary>
    public Action<string?> Report { get; init; } = static _ => { };

    /// <summary>Would storing that many bytes leave less than the reserve?</summary>
    /// <param name="incomingBytes">Bytes about to be stored; 0 if unknown.</param>
    public bool IsShort(long incomingBytes)
    {
        lock (_lock)
            return IsShortBy(LastFreeBytes(), incomingBytes) && IsShortBy(blobs.MeasureSpace()?.FreeBytes, incomingBytes);
    }

    /// <returns>How many bytes would have to go before there is as much free as is kept in reserve.</returns>
    public long MissingBytes(long freeBytes) => Math.Max(0, reserveBytes - freeBytes);

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
