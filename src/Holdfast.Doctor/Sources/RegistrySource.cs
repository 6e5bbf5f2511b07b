using System.Runtime.CompilerServices;
using Holdfast.Client;
using Holdfast.Oci;

namespace Holdfast.Doctor.Sources;

/// <summary>Any registry, by its address.</summary>
/// <param name="client">Disposed with this.</param>
/// <param name="repositories">What <see cref="ListImagesAsync"/> goes through; null: it can't list.</param>
public sealed class RegistrySource(RegistryClient client, string address, IAsyncEnumerable<RepositoryName>? repositories = null) : ContentSource
{
    private const int TagsAtOnce = 16;

    private volatile bool _hasNoReferrers;

    public override string Name => address;

    /// <summary>The one repository that is asked, whatever the content's own is called; none: the one of the same name.</summary>
    public RepositoryName Inside { get; init; }

    /// <summary>The one thing that is listed of the repositories; null: all their tags.</summary>
    public Reference? Only { get; init; }

    public override bool IsRemote => true;

    public override bool CanList => repositories is not null;

    public override async ValueTask<SourceBlob?> TryOpenBlobAsync(RepositoryName repository, Digest digest, CancellationToken token)
    {
        var answer = await client.OpenBlobAsync(Inside.IsNone ? repository : Inside, digest, token);
        if (answer.TryGet(out var blob, out var failure))
            return new SourceBlob(blob.Content, blob.SizeBytes);
        return failure.Outcome == RegistryOutcome.Unknown ? null : throw Fault(failure);
    }

    public override async ValueTask<SourceManifest?> TryReadManifestAsync(RepositoryName repository, Digest digest, CancellationToken token)
    {
        var answer = await client.GetManifestAsync(Inside.IsNone ? repository : Inside, digest, token);
        if (answer.TryGet(out var manifest, out var failure))
            return new SourceManifest(manifest.Digest, manifest.MediaType, manifest.Payload);
        return failure.Outcome == RegistryOutcome.Unknown ? null : throw Fault(failure);
    }

    /// <summary>By the registry's list (dist-spec v1.1.1, end-12). Where there is none, they have tags (the fallback schema), which are listed with the others.</summary>
    public override async ValueTask<IReadOnlyList<Digest>> ListReferrersAsync(RepositoryName repository, Digest subject, CancellationToken token)
    {
        if (_hasNoReferrers)
            return [];
        var answer = await client.ListReferrersAsync(repository, subject, token);
        if (answer.TryGet(out var found, out var failure))
            return [.. found.Select(referrer => referrer.Content.Digest)];
        // What registries without the list answer to anything that they don't know: 404, 400, 405, a page for people.
        if (failure.Outcome is not (RegistryOutcome.Unknown or RegistryOutcome.Unusable) && failure.Status is not (403 or 501))
            throw new SourceException($"the referrers of {subject}: {failure.Detail}");
        _hasNoReferrers = true;
        return [];
    }

    public override async IAsyncEnumerable<SourceImage> ListImagesAsync(
        Func<RepositoryName, bool> isWanted, [EnumeratorCancellation] CancellationToken token)
    {
        await foreach (var repository in (repositories ?? throw new NotSupportedException($"{Name}: its repositories are not known")).WithCancellation(token))
        {
            if (!isWanted(repository))
                continue;
            if (Only is { } reference)
            {
                yield return reference.IsDigest ? new SourceImage(repository, default, reference.Digest, null) : await ReadTagAsync(repository, reference.Tag, token);
                continue;
            }
            var listed = await client.ListTagsAsync(repository, token);
            if (!listed.TryGet(out var tags, out var failure))
            {
                // Without a tag left, registries forget the repository, which the catalogue may still name.
                if (failure.Outcome == RegistryOutcome.Unknown)
                    continue;
                yield return new SourceImage(repository, default, default, null, $"its tags could not be listed: {failure.Detail}");
                continue;
            }
            foreach (var some in tags.Chunk(TagsAtOnce))
            {
                foreach (var image in await Task.WhenAll(some.Select(tag => ReadTagAsync(repository, tag, token))))
                    yield return image;
            }
        }
    }

    public override ValueTask DisposeAsync()
    {
        client.Dispose();
        return base.DisposeAsync();
    }

    private static SourceException Fault(RegistryFailure failure) => new(failure.Detail) { IsWrongBytes = failure.Outcome == RegistryOutcome.Mismatch };

    // A HEAD where that says the digest: registries count GETs against their limits.
    private async Task<SourceImage> ReadTagAsync(RepositoryName repository, Tag tag, CancellationToken token)
    {
        if ((await client.HeadManifestAsync(repository, tag, token)).TryGet(out var head, out _) && !head.Digest.IsNone)
            return new SourceImage(repository, tag, head.Digest, null);
        var answer = await client.GetManifestAsync(repository, tag, token);
        return answer.TryGet(out var manifest, out var failure)
            ? new SourceImage(repository, tag, manifest.Digest, null)
            : new SourceImage(repository, tag, default, null, failure.Detail);
    }
}
