using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Holdfast.Storage.Blobs;

/// <summary>Memory that starts at a block's boundary and never moves, so that a store may hand it to the disk as it is.</summary>
public sealed class AlignedBuffer
{
    /// <summary>Bytes; what disks and file systems of today ask for at most.</summary>
    public const int BlockBytes = 4096;

    /// <summary>Bytes; large enough that calls to the kernel don't show, small enough for two in each of many transfers.</summary>
    public const int SizeBytes = 1024 * 1024;

    // Many slow uploads and checks at once can't take more memory than this many hold; those beyond make do with less (P10).
    private const int MaxLent = 128;

    // What a burst of them leaves behind is kept up to this many, and the rest is freed.
    private const int MaxKept = 16;

    private static readonly ConcurrentBag<AlignedBuffer> Kept = [];
    private static int _lent;

    private AlignedBuffer()
    {
        var bytes = GC.AllocateUninitializedArray<byte>(SizeBytes + BlockBytes, pinned: true);
        var misalignment = (int)(Address(bytes) % BlockBytes);
        Memory = bytes.AsMemory(misalignment == 0 ? 0 : BlockBytes - misalignment, SizeBytes);
    }

    public Memory<byte> Memory { get; }

    /// <returns>Null if as many are lent as may be.</returns>
    public static AlignedBuffer? TryRent()
    {
        if (Interlocked.Increment(ref _lent) <= MaxLent)
            return Kept.TryTake(out var kept) ? kept : new AlignedBuffer();
        Interlocked.Decrement(ref _lent);
        return null;
    }

    /// <summary>Gives it back; nothing may use its memory any more.</summary>
    public void Return()
    {
        if (Kept.Count < MaxKept)
            Kept.Add(this);
        Interlocked.Decrement(ref _lent);
    }

    private static unsafe nuint Address(byte[] pinned) => (nuint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(pinned));
}
