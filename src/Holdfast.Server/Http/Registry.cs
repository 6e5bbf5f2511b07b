using Holdfast.Storage;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Http;

/// <summary>One hosted registry: a namespace of repositories over the shared stores.</summary>
/// <param name="Id">Its row in the metadata database.</param>
/// <param name="Name">Its key in the configuration.</param>
public sealed record Registry(int Id, string Name, ContentStores Stores)
{
    public MetadataDatabase Metadata => Stores.Metadata;

    public IBlobStore Blobs => Stores.Blobs;
}
