using System.Runtime.InteropServices;

namespace Holdfast.Load.Data;

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

    public ulong Next() => Mix(_state += 0x9E3779B97F4A7C15);

    public void Fill(Span<byte> bytes)
    {
        foreach (ref var word in MemoryMarshal.Cast<byte, ulong>(bytes))
            word = Next();
        for (var i = bytes.Length & ~7; i < bytes.Length; i++)
            bytes[i] = (byte)Next();
    }
}
