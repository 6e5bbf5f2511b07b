using Holdfast.Doctor.Sources;
using Holdfast.Oci;

namespace Holdfast.Doctor.Repair;

/// <summary>Asks donors, in the order in which they were given. One that can't be asked is told of once for each sort of problem, and the next is asked.</summary>
public sealed class DonorSearch(IReadOnlyList<ContentSource> donors, Action<string> tell)
{
    private readonly HashSet<string> _told = [];

    public int Count => donors.Count;

    /// <summary>Could one of them not be asked? Then it may have what no other has (P6).</summary>
    public bool IsInDoubt { get; private set; }

    /// <summary>All donors that have the bytes, one after the other; each is opened only when it is its turn.</summary>
    public async IAsyncEnumerable<(ContentSource Donor, SourceBlob Blob)> FindAsync(
        IReadOnlyList<RepositoryName> repositories, Digest digest, bool isManifest, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken token)
    {
        foreach (var donor in donors)
        {
            foreach (var repository in repositories)
            {
                if (await TryAsync(donor, repository, digest, isManifest, token) is not { } blob)
                    continue;
                yield return (donor, blob);
                break;
            }
        }
    }

    public void Tell(ContentSource donor, string problem)
    {
        if (_told.Add($"{donor.Name}: {problem}"))
            tell($"{donor.Name}: {problem}");
    }

    private async ValueTask<SourceBlob?> TryAsync(ContentSource donor, RepositoryName repository, Digest digest, bool isManifest, CancellationToken token)
    {
        try
        {
            if (!isManifest)
                return await donor.TryOpenBlobAsync(repository, digest, token);
            return await donor.TryReadManifestAsync(repository, digest, token) is { } manifest
                ? new SourceBlob(new MemoryStream(manifest.Payload.ToArray(), writable: false), manifest.Payload.Length)
                : null;
        }
        catch (SourceException e)
        {
            IsInDoubt = true;
            Tell(donor, e.Message);
            return null;
        }
    }
}
