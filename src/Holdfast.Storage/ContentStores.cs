using Holdfast.Storage.Blobs;
using Holdfast.Storage.Metadata;

namespace Holdfast.Storage;

/// <summary>The two stores of one data folder, and the locks that keep changes to both of them together.</summary>
public sealed record ContentStores(IBlobStore Blobs, MetadataDatabase Metadata)
{
    public DigestLocks Locks { get; } = new();
}
