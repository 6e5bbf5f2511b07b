using Holdfast.Oci;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Retention;

/// <summary>The tags that must not move (<c>retention.immutableTags</c>), for whoever puts tags without a server.</summary>
public static class ImmutableTags
{
    /// <param name="registries">Ids by names.</param>
    /// <returns>Which tags of a repository; null: none.</returns>
    public static Func<RepositoryKey, Func<Tag, bool>?> Of(IReadOnlyList<RetentionOptions> rules, IReadOnlyDictionary<string, int> registries) =>
        new RetentionRules(rules, registries).ImmutableTags;
}
