using System.Runtime.InteropServices;

namespace Holdfast.Bench.Data;

/// <summary>SplitMix64: seeded, about a gigabyte a second, and as incompressible as a layer should be.</summary>
internal sealed class RandomBytes(ulong seed)
{
    private ulong _state = seed;

    public static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }

    /// <summary>A seed of its own for each purpose of a run: nothing that one of them makes comes again in another.</summary>
    public static ulong SeedFor(ulong seed, string purpose)
    {
        // FNV-1a; only equality of purposes matters.
        var hash = 0xCBF29CE484222325;
        foreach (var c in purpose)
            hash = (hash ^ c) * 0x100000001B3;
        return Mix(seed ^ Mix(hash));
    }

    public ulong Next() => Mix(_state += 0x9E3779B97F4A7C15);

    public void Fill(Span<byte> bytes)
    {
        foreach (ref var word in MemoryMarshal.Cast<byte, ulong>(bytes))
            word = Next();
        for (var i = bytes.Length & ~7; i < bytes.Length; i++)
            bytes[i] = (byte)Next();
    }
}
