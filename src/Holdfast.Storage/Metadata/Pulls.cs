using Holdfast.Oci;

namespace Holdfast.Storage.Metadata;

/// <summary>When manifests were last pulled.</summary>
public static class Pulls
{
    /// <summary>Notes pulls; what is gone meanwhile is passed over, and a time never goes back.</summary>
    public static void Note(MetadataSession session, IReadOnlyList<(RepositoryKey Repository, Digest Digest)> pulled, long nowMs)
    {
        const string Sql = "UPDATE manifests SET pulled_at = @now WHERE id = @manifest AND pulled_at < @now";
        foreach (var (repository, digest) in pulled)
        {
            if (Manifests.FindId(session, repository, digest) is { } id)
                session.Prepare(Sql).Set("@manifest", id).Set("@now", nowMs).Execute();
        }
    }
}
