using Holdfast.Oci;
using Holdfast.Storage;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Http;

/// <summary>One registry, hosted or a cache: a namespace of repositories over the shared stores.</summary>
/// <param name="Id">Its row in the metadata database.</param>
/// <param name="Name">Its key in the configuration.</param>
public sealed record Registry(int Id, string Name, ContentStores Stores)
{
    /// <summary>Null for a hosted registry.</summary>
    public CacheOptions? Cache { get; init; }

    public bool IsCache => Cache is not null;

    /// <summary>The repository as it is kept, and as rules see it: Docker Hub's own images have one name, however clients write it.</summary>
    public RepositoryName NameOf(RepositoryName repository) =>
        Cache?.Upstream.Namespace == "docker.io" && !repository.IsNone && !repository.ToString().Contains('/', StringComparison.Ordinal)
            && RepositoryName.TryParse($"library/{repository}", out var official) ? official : repository;

    public MetadataDatabase Metadata => Stores.Metadata;

    public IBlobStore Blobs => Stores.Blobs;
}
