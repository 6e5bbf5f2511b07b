using System.Buffers;
using System.Security.Cryptography;
using System.Text;

namespace Holdfast.Server.Auth;

/// <summary>Hashes Authorization headers with a key that lives and dies with the process.</summary>
internal static class CredentialHash
{
    private static readonly byte[] Key = RandomNumberGenerator.GetBytes(32);

    // One per thread and kept: measured, 0.6 µs a header against 1.5 µs for the one-shot HMAC, which makes a native context each time.
    [ThreadStatic]
    private static IncrementalHash? _hash;

    /// <returns>False if the header holds more than ASCII, which no valid one does; so no two headers become the same bytes.</returns>
    public static unsafe bool TryHash(string header, out CredentialKey key)
    {
        Span<byte> bytes = header.Length <= 2048 ? stackalloc byte[2048] : new byte[header.Length];
        key = default;
        if (Ascii.FromUtf16(header, bytes, out var length) != OperationStatus.Done)
            return false;
        var hash = _hash ??= IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, Key);
        hash.AppendData(bytes[..length]);
        fixed (CredentialKey* output = &key)
            hash.GetHashAndReset(new Span<byte>(output, sizeof(CredentialKey)));
        CryptographicOperations.ZeroMemory(bytes[..length]);
        return true;
    }
}
