using Holdfast.Oci;

namespace Holdfast.Client;

/// <summary>One blob as the mirrors have it.</summary>
internal sealed class BlobSource(IReadOnlyList<Mirror> mirrors, RepositoryName repository, Digest digest)
{
    public bool HasSeveral => mirrors.Count > 1;

    public string Name { get; } = $"{repository}/blobs/{digest}";

    /// <summary>Opens it from a byte on, at any mirror.</summary>
    public Inquiry<RemoteBlob> From(long fromBytes) => At(mirrors, fromBytes);

    /// <summary>Opens it from a byte on, at a mirror that was not used for it yet.</summary>
    /// <returns>No answer and no giver: there is no other.</returns>
    public async ValueTask<(RegistryAnswer<RemoteBlob>? Answer, Mirror? Giver)> OpenAsync(long fromBytes, IReadOnlySet<Mirror> used, CancellationToken token)
    {
        var others = mirrors.Where(mirror => !used.Contains(mirror)).ToList();
        if (others.Count == 0)
            return (null, null);
        var inquiry = At(others, fromBytes);
        return (await inquiry.RoundAsync(token), inquiry.Giver);
    }

    private Inquiry<RemoteBlob> At(IReadOnlyList<Mirror> those, long fromBytes)
    {
        var question = new Question<RemoteBlob>(Name, (client, token) => client.OpenBlobAsync(repository, digest, fromBytes, token));
        return new(those, (mirror, token) => mirror.OpenAsync(question, token));
    }
}
