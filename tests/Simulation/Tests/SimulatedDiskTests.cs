using Holdfast.Oci;
using Holdfast.Storage.Blobs;
using Shouldly;
using Simulation.Disk;
using Xunit;

namespace Simulation.Tests;

/// <summary>A power cut takes what it may and nothing else.</summary>
public class SimulatedDiskTests
{
    private static readonly byte[] Bytes = [1, 2, 3, 4, 5, 6, 7, 8];
    private static readonly Digest Name = Digest.Compute(DigestAlgorithm.Sha256, Bytes);

    [Fact]
    public async Task Cut_AfterCommit_KeepsTheBlob()
    {
        for (var seed = 0; seed < 50; seed++)
        {
            var disk = new SimulatedDisk(TimeProvider.System);
            var store = new SimulatedBlobStore(disk, null);
            await using var writer = await store.OpenUploadAsync(Guid.NewGuid(), DigestAlgorithm.Sha256, CancellationToken.None);
            await writer.AppendAsync(Bytes, CancellationToken.None);
            (await writer.CommitAsync(Name, CancellationToken.None)).ShouldBe(BlobCommitOutcome.Stored);
            disk.Cut(new Random(seed)).Find(Name)!.Bytes.ShouldBe(Bytes);
        }
    }

    [Fact]
    public void Cut_OfWhatWasNotSynced_LeavesAnyPart()
    {
        var (absent, torn, whole) = (0, 0, 0);
        for (var seed = 0; seed < 200; seed++)
        {
            var disk = new SimulatedDisk(TimeProvider.System);
            var upload = Guid.NewGuid();
            disk.Write(disk.Create(upload), Bytes);
            disk.Rename(upload, Name);
            var left = disk.Cut(new Random(seed)).Find(Name);
            absent += left is null ? 1 : 0;
            whole += left is not null && left.Bytes.AsSpan().SequenceEqual(Bytes) ? 1 : 0;
            torn += left is not null && !left.Bytes.AsSpan().SequenceEqual(Bytes) ? 1 : 0;
        }
        absent.ShouldBeGreaterThan(20);
        torn.ShouldBeGreaterThan(20);
        whole.ShouldBeGreaterThan(2);
    }

    [Fact]
    public void Cut_AfterARemovalThatWasNotSynced_MayBringTheBlobBack()
    {
        var back = 0;
        for (var seed = 0; seed < 100; seed++)
        {
            var disk = new SimulatedDisk(TimeProvider.System);
            disk.Damage(Name, Bytes);
            disk.Remove(Name);
            back += disk.Cut(new Random(seed)).Find(Name) is null ? 0 : 1;
            disk.SyncFolder(Name);
            disk.Cut(new Random(seed)).Find(Name).ShouldBeNull();
        }
        back.ShouldBeInRange(20, 80);
    }
}
