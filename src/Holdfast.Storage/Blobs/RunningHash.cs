using System.Security.Cryptography;
using Holdfast.Oci;

namespace Holdfast.Storage.Blobs;

/// <summary>The hash of bytes that come one after the other.</summary>
public sealed class RunningHash(DigestAlgorithm algorithm) : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(
        algorithm == DigestAlgorithm.Sha256 ? HashAlgorithmName.SHA256 : HashAlgorithmName.SHA512);

    public void Append(ReadOnlySpan<byte> bytes) => _hash.AppendData(bytes);

    /// <summary>The digest of what came so far.</summary>
    public Digest Current()
    {
        Span<byte> bytes = stackalloc byte[64];
        return Digest.FromHash(algorithm, bytes[..algorithm.SizeBytes()][.._hash.GetCurrentHash(bytes)]);
    }

    public void Dispose() => _hash.Dispose();
}
