using System.Buffers.Binary;
using Holdfast.Oci;

namespace Holdfast.Client.Walk;

/// <summary>A digest in 32 bytes, for tables with very many: a string of it takes five times as many. Of sha512 the first half, which is as hard to meet twice as sha256.</summary>
public readonly record struct DigestKey(ulong A, ulong B, ulong C, ulong D)
{
    public static DigestKey Of(Digest digest)
    {
        Span<byte> bytes = stackalloc byte[32];
        Convert.FromHexString(digest.Hex[..64], bytes, out _, out _);
        return new DigestKey(
            BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]),
            BinaryPrimitives.ReadUInt64BigEndian(bytes[16..]), BinaryPrimitives.ReadUInt64BigEndian(bytes[24..]));
    }
}
