using System.Security.Cryptography;
using Holdfast.Bench.Http;

namespace Holdfast.Bench.Data;

/// <summary>
/// Random blobs of about one size, no two alike. Small ones are random throughout. Large ones share a beginning that is
/// hashed once; each next one is the one before plus eight bytes, so that its digest costs microseconds and pushing stays
/// limited by the server. The first is exactly of the size asked for.
/// </summary>
internal sealed class BlobSource
{
    /// <summary>Of fewer bytes there are so few that they would come again.</summary>
    public const int MinBytes = 16;

    private const int SmallBytes = 64 * 1024;
    private const int StepBytes = 8;
    private const int BlockBytes = 64 << 20;

    // Keeps sizes within 8 KiB of each other; beginning again costs one more hash of the beginning.
    private const int StepsPerBeginning = 1024;

    private readonly byte[] _block;
    private readonly long _beginningBytes;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly RandomBytes _random;
    private readonly List<byte> _ending = [];
    private readonly Lock _gate = new();

    public BlobSource(long size, ulong seed)
    {
        // Seeds are mixed: neighbouring ones would otherwise give overlapping streams.
        _random = new RandomBytes(RandomBytes.Mix(seed));
        _beginningBytes = size <= SmallBytes ? 0 : size - StepBytes;
        _block = new byte[size <= SmallBytes ? size : Math.Min(_beginningBytes, BlockBytes)];
        _random.Fill(_block);
        Begin();
    }

    public static Blob Of(byte[] bytes) => new(Name(SHA256.HashData(bytes)), Payload.Of(bytes));

    public static string Name(byte[] hash) => "sha256:" + Convert.ToHexStringLower(hash);

    public Blob Next()
    {
        lock (_gate)
            return _beginningBytes == 0 ? NextSmall() : NextLarge();
    }

    private Blob NextSmall()
    {
        var bytes = new byte[_block.Length];
        _random.Fill(bytes);
        return Of(bytes);
    }

    private Blob NextLarge()
    {
        if (_ending.Count == StepsPerBeginning * StepBytes)
            Begin();

        Span<byte> step = stackalloc byte[StepBytes];
        _random.Fill(step);
        _ending.AddRange(step);
        _hash.AppendData(step);
        return new Blob(Name(_hash.GetCurrentHash()), new Payload(_block, _beginningBytes, [.. _ending]));
    }

    private void Begin()
    {
        _ending.Clear();
        _hash.GetHashAndReset();
        if (_beginningBytes > 0)
            new Payload(_block, _beginningBytes, []).WriteTo(_hash.AppendData);
    }
}
