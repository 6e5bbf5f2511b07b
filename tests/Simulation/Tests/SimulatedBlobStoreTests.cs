using Holdfast.Oci;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Contract;
using Simulation.Disk;

namespace Simulation.Tests;

/// <summary>The simulated store keeps the same contract as the others, so that what holds over it says something about them.</summary>
public class SimulatedBlobStoreTests : BlobStoreContract
{
    private readonly SimulatedDisk _disk = new(TimeProvider.System);

    protected override IBlobStore Open() => new SimulatedBlobStore(_disk, schedule: null);

    protected override void Damage(Digest digest)
    {
        var bytes = (byte[])_disk.Find(digest)!.Bytes.Clone();
        bytes[0] ^= 1;
        _disk.Damage(digest, bytes);
    }

    protected override void Obstruct(Digest digest) => _disk.Unreadable.Add(digest);
}
