using System.Security.Cryptography;
using Holdfast.Bench.Data;
using Shouldly;
using Xunit;

namespace Holdfast.Bench.Tests;

public class BlobSourceTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(1024)]
    [InlineData(65_536)]
    [InlineData(65_537)]
    [InlineData(1_000_001)]
    public void Next_OfAnySize_HasTheDigestOfItsBytes(long size)
    {
        var source = new BlobSource(size, seed: 7);
        for (var i = 0; i < 3; i++)
        {
            var blob = source.Next();
            using var bytes = new MemoryStream();
            blob.Payload.WriteTo(bytes.Write);

            bytes.Length.ShouldBe(blob.Length);
            blob.Digest.ShouldBe("sha256:" + Convert.ToHexStringLower(SHA256.HashData(bytes.ToArray())));
            blob.Length.ShouldBeInRange(size, size + (8 * i));
        }
    }

    [Theory]
    [InlineData(1024)]
    [InlineData(70_000)]
    public void Next_ManyTimes_NeverRepeatsAndKeepsItsSize(long size)
    {
        var source = new BlobSource(size, seed: 7);
        var blobs = Enumerable.Range(0, 2500).Select(_ => source.Next()).ToList();

        blobs.Select(blob => blob.Digest).ToHashSet(StringComparer.Ordinal).Count.ShouldBe(blobs.Count);
        blobs.Max(blob => blob.Length).ShouldBeLessThanOrEqualTo(size + 8192);
    }

    [Fact]
    public void Next_OfAnotherSeed_Differs()
    {
        var first = new BlobSource(1024, 1).Next().Digest;

        new BlobSource(1024, 2).Next().Digest.ShouldNotBe(first, StringComparer.Ordinal);
        new BlobSource(1024, 1).Next().Digest.ShouldBe(first);
    }
}
