using Holdfast.Oci;
using Holdfast.Storage.Metadata;

namespace Holdfast.Storage.Acceptance;

/// <summary>What of a repository is there already, for an import that only takes the rest.</summary>
public static class ImportState
{
    /// <returns>Which of the manifests are live in the repository, and nothing is known to be wrong with what they need.</returns>
    public static IReadOnlyList<Digest> FindManifests(MetadataSession session, RepositoryKey repository, IReadOnlyList<Digest> manifests) =>
        [.. manifests.Where(digest => IsWhole(session, repository, digest))];

    /// <returns>Where those of the tags point that are there.</returns>
    public static IReadOnlyDictionary<Tag, Digest> FindTags(MetadataSession session, RepositoryKey repository, IReadOnlyList<Tag> tags)
    {
        var found = new Dictionary<Tag, Digest>();
        foreach (var tag in tags)
        {
            if (Tags.Find(session, repository, tag) is { } row)
                found[tag] = row.Digest;
        }
        return found;
    }

    private static bool IsWhole(MetadataSession session, RepositoryKey repository, Digest digest) =>
        Manifests.Find(session, repository, digest) is { IsLost: false }
        && !Incidents.HasOpen(session, digest.ToString())
        && !ClosureBlobs.IsDamagedImage(session, repository, digest);
}
