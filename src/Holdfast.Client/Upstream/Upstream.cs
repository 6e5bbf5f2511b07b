using Holdfast.Oci;

namespace Holdfast.Client;

/// <summary>What one cache is filled from: its mirrors, asked in order, of which the last one is the origin.</summary>
public sealed class Upstream : IDisposable
{
    private readonly UpstreamPlan _plan;
    private readonly Mirror[] _mirrors;

    /// <exception cref="ArgumentException">An address or a user name can't be used, or there is no mirror.</exception>
    /// <exception cref="InvalidDataException">The trust file holds no certificate.</exception>
    /// <exception cref="IOException">The trust file can't be read.</exception>
    public Upstream(UpstreamPlan plan)
    {
        if (plan.Mirrors.Count == 0)
            throw new ArgumentException($"the upstream of '{plan.Cache}' has no address", nameof(plan));
        _plan = plan;
        _mirrors = [.. plan.Mirrors.Select(mirror => new Mirror(plan, mirror))];
    }

    /// <summary>In the order in which they are asked.</summary>
    public IReadOnlyList<MirrorState> Mirrors => [.. _mirrors.Select(static mirror => mirror.State)];

    /// <summary>HEAD of a manifest; costs nothing of Docker Hub's pulls.</summary>
    public ValueTask<RegistryAnswer<RemoteManifestHead>> HeadManifestAsync(RepositoryName repository, Reference reference, CancellationToken token) =>
        AskAsync(client => client.HeadManifestAsync(NameOf(repository), reference, token));

    /// <summary>GET of a manifest, its bytes compared with the digest that was asked for or that the mirror states.</summary>
    public ValueTask<RegistryAnswer<RemoteManifest>> GetManifestAsync(RepositoryName repository, Reference reference, CancellationToken token) =>
        AskAsync(client => client.GetManifestAsync(NameOf(repository), reference, token));

    /// <summary>HEAD of a blob.</summary>
    public ValueTask<RegistryAnswer<RemoteBlobSize>> HeadBlobAsync(RepositoryName repository, Digest digest, CancellationToken token) =>
        AskAsync(client => client.HeadBlobAsync(NameOf(repository), digest, token));

    /// <summary>GET of a blob as a stream that heals its connection and hashes nothing. The caller disposes it.</summary>
    public ValueTask<RegistryAnswer<RemoteBlob>> OpenBlobAsync(RepositoryName repository, Digest digest, CancellationToken token) =>
        OpenBlobAsync(repository, digest, 0, token);

    /// <summary>GET of a blob from a byte on.</summary>
    /// <param name="fromBytes">How many bytes the caller has; the stream goes on after them.</param>
    public ValueTask<RegistryAnswer<RemoteBlob>> OpenBlobAsync(RepositoryName repository, Digest digest, long fromBytes, CancellationToken token) =>
        AskAsync(client => client.OpenBlobAsync(NameOf(repository), digest, fromBytes, token));

    /// <summary>All tags of a repository, page after page.</summary>
    public ValueTask<RegistryAnswer<IReadOnlyList<Tag>>> ListTagsAsync(RepositoryName repository, CancellationToken token) =>
        AskAsync(client => client.ListTagsAsync(NameOf(repository), token));

    /// <summary>What names a manifest as its subject, unfiltered. <see cref="RegistryOutcome.Unknown"/>: the upstream has no such list.</summary>
    public ValueTask<RegistryAnswer<IReadOnlyList<RawReferrer>>> ListReferrersAsync(RepositoryName repository, Digest digest, CancellationToken token) =>
        AskAsync(client => client.ListRawReferrersAsync(NameOf(repository), digest, token));

    public void Dispose()
    {
        foreach (var mirror in _mirrors)
            mirror.Dispose();
    }

    private RepositoryName NameOf(RepositoryName repository) =>
        _plan.Namespace == "docker.io" && !repository.ToString().Contains('/', StringComparison.Ordinal) ? RepositoryName.Parse($"library/{repository}") : repository;

    private async ValueTask<RegistryAnswer<T>> AskAsync<T>(Func<RegistryClient, ValueTask<RegistryAnswer<T>>> ask)
    {
        RegistryAnswer<T> answer = null!;
        foreach (var mirror in _mirrors)
        {
            answer = await ask(mirror.Client);
            if (answer.Failure is null)
                break;
        }
        return answer;
    }
}
