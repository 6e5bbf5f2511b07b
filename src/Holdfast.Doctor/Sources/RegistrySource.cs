using System.Runtime.CompilerServices;
using Holdfast.Client;
using Holdfast.Oci;

namespace Holdfast.Doctor.Sources;

/// <summary>Any registry, by its address.</summary>
/// <param name="client">Disposed with this.</param>
/// <param name="repositories">What <see cref="ListImagesAsync"/> goes through; null: it can't list.</param>
public sealed class RegistrySource(RegistryClient client, string address, IAsyncEnumerable<RepositoryName>? repositories = null) : ContentSource
{
    public override string Name => address;

    public override bool CanList => repositories is not null;

    public override async ValueTask<SourceBlob?> TryOpenBlobAsync(RepositoryName repository, Digest digest, CancellationToken token)
    {
        var answer = await client.OpenBlobAsync(repository, digest, token);
        if (answer.TryGet(out var blob, out var failure))
            return new SourceBlob(blob.Content, blob.SizeBytes);
        return failure.Outcome == RegistryOutcome.Unknown ? null : throw new SourceException(failure.Detail);
    }

    public override async ValueTask<SourceManifest?> TryReadManifestAsync(RepositoryName repository, Digest digest, CancellationToken token)
    {
        var answer = await client.GetManifestAsync(repository, digest, token);
        if (answer.TryGet(out var manifest, out var failure))
            return new SourceManifest(manifest.Digest, manifest.MediaType, manifest.Payload);
        return failure.Outcome == RegistryOutcome.Unknown ? null : throw new SourceException(failure.Detail);
    }

    public override async IAsyncEnumerable<SourceImage> ListImagesAsync(
        Func<RepositoryName, bool> isWanted, [EnumeratorCancellation] CancellationToken token)
    {
        await foreach (var repository in (repositories ?? throw new NotSupportedException($"{Name}: its repositories are not known")).WithCancellation(token))
        {
            if (!isWanted(repository))
                continue;
            var listed = await client.ListTagsAsync(repository, token);
            if (!listed.TryGet(out var tags, out var failure))
            {
                // Without a tag left, registries forget the repository, which the catalogue may still name.
                if (failure.Outcome == RegistryOutcome.Unknown)
                    continue;
                throw new SourceException($"the tags of {repository}: {failure.Detail}");
            }
            foreach (var tag in tags)
                yield return await ReadTagAsync(repository, tag, token);
        }
    }

    public override ValueTask DisposeAsync()
    {
        client.Dispose();
        return base.DisposeAsync();
    }

    private async ValueTask<SourceImage> ReadTagAsync(RepositoryName repository, Tag tag, CancellationToken token)
    {
        var answer = await client.GetManifestAsync(repository, tag, token);
        return answer.TryGet(out var manifest, out var failure)
            ? new SourceImage(repository, tag, manifest.Digest, null)
            : new SourceImage(repository, tag, default, null, failure.Detail);
    }
}
