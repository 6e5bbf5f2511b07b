using Holdfast.Client;
using Holdfast.Oci;
using Holdfast.Server.Caching;
using Holdfast.Server.Heal;

namespace Holdfast.Server;

/// <summary>The upstream of a cache, for the damaged bytes of what that cache has: asked in the repositories that have them, as a pull would.</summary>
internal sealed class UpstreamDonor(Cache cache, CacheParts parts) : Donor
{
    private const int MaxRepositories = 10;

    public override string Name { get; } = $"upstream {cache.Namespace}";

    public override string By => Name;

    // What a hosted registry alone has, the upstream was never said to have.
    public override bool IsFor(WantedBytes wanted) => wanted.Cached.Any(place => place.Registry == cache.Registry.Id);

    public override async Task<DonorAnswer> FetchAsync(WantedBytes wanted, Intake intake, CancellationToken cancellationToken)
    {
        // Its end is the heal; to ask for the same bytes a second time meanwhile would only be a load.
        if (parts.Blobs.IsRunning(wanted.Digest) || parts.Manifests.IsRunning(wanted.Digest))
            return DonorAnswer.Not("is sending it to a client just now");
        RegistryFailure? telling = null;
        foreach (var place in wanted.Cached.Where(place => place.Registry == cache.Registry.Id).Take(MaxRepositories))
        {
            var failure = await FetchAsync(place.Name, wanted, intake, cancellationToken);
            Note(failure);
            if (failure is null)
                return DonorAnswer.Given;
            // What one repository lacks another may have; the most telling of the answers is told.
            if (telling is null or { Outcome: RegistryOutcome.Unknown })
                telling = failure;
            if (failure.Outcome is RegistryOutcome.Unavailable or RegistryOutcome.SlowDown)
                break;
        }
        return DonorAnswer.Not(Describe(telling!));
    }

    // The cache's.
    public override void Dispose()
    {
    }

    /// <returns>Null if the bytes are in the intake, and have the digest.</returns>
    private async Task<RegistryFailure?> FetchAsync(RepositoryName repository, WantedBytes wanted, Intake intake, CancellationToken token)
    {
        if (wanted.IsManifest)
        {
            var answer = await cache.Upstream.GetManifestAsync(repository, wanted.Digest, token);
            if (answer.TryGet(out var manifest, out var failure))
            {
                await intake.RestartAsync(token);
                await intake.AppendAsync(manifest.Payload, token);
                return null;
            }
            // It may be there as a blob, as what an index of a build cache lists is.
            if (failure.Outcome != RegistryOutcome.Unknown)
                return failure;
        }
        await intake.RestartAsync(token);
        var blob = await cache.Upstream.DownloadBlobAsync(repository, wanted.Digest, wanted.SizeBytes, bytes => intake.AppendAsync(bytes, token), token);
        return blob.Failure;
    }

    private void Note(RegistryFailure? failure)
    {
        if (failure is { Outcome: RegistryOutcome.Mismatch })
            parts.Room.NoteWrong(cache, failure.Detail);
        else
            cache.Note(failure);
    }

    private static string Describe(RegistryFailure failure) => failure.Outcome switch
    {
        RegistryOutcome.Unknown => "no longer has it",
        RegistryOutcome.Mismatch => $"gave wrong bytes: {failure.Detail}",
        RegistryOutcome.Denied => $"refused: {failure.Detail}",
        _ => $"could not give it: {failure.Detail}",
    };
}
