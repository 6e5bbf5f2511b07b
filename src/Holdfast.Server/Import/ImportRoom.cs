using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Storage;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Import;

/// <summary>What an import needs of its server.</summary>
/// <param name="Registries">The hosted ones, by name.</param>
/// <param name="ImmutableTags">Which tags of a repository must not move; null: all may.</param>
internal sealed record ImportRoom(
    ContentStores Stores, IReadOnlyDictionary<string, Registry> Registries, Func<RepositoryKey, Func<Tag, bool>?> ImmutableTags, TimeProvider Time)
{
    public required IncidentBook Incidents { get; init; }

    public required DiskReserve Reserve { get; init; }

    public required Func<Guid> NewUpload { get; init; }

    /// <exception cref="AdminException">There is none of that name, or there are several and none was named.</exception>
    public Registry Find(string? name)
    {
        if (name is null && Registries.Count == 1)
            return Registries.Values.First();
        if (Registries.Count == 0)
            throw new AdminException(Outcome.AdminInvalid, "there are only caches here, which are filled from their upstreams; add a hosted registry to import into");
        var known = string.Join(", ", Registries.Keys.Order(StringComparer.Ordinal));
        if (name is null)
            throw new AdminException(Outcome.AdminInvalid, $"there are several registries here; name one: {known}");
        return Registries.TryGetValue(name, out var registry)
            ? registry
            : throw new AdminException(Outcome.AdminNotFound, $"there is no hosted registry '{name}' here; there is {known}");
    }

    public AdminException Full() => new(Outcome.StoreFull, "the server's disk has no more room than it keeps in reserve (disk.reserve)");
}
