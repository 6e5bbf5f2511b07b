using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Metadata;
using Microsoft.AspNetCore.Http;

namespace Holdfast.Server.Manifests;

/// <summary>Manifests by tag or digest: GET and HEAD (end-3), DELETE (end-9).</summary>
/// <param name="notePull">Told of each manifest that was pulled; must cost next to nothing.</param>
internal sealed class ManifestEndpoint(ManifestReader manifests, ManifestSight sight, Action<RepositoryKey, Digest> notePull, TimeProvider time)
{
    /// <summary>Answers a GET or HEAD of what is not here: with 404, unless it can be had from elsewhere.</summary>
    public Func<RegistryRequest, Reference, Task> WhenUnknown { get; init; } = FailUnknownAsync;

    public async Task GetAsync(RegistryRequest request)
    {
        if (!Reference.TryParse(request.Route.Last, out var reference))
        {
            await FailReferenceAsync(request);
            return;
        }
        var key = new RepositoryKey(request.Registry.Id, request.Route.Repository);
        var found = await manifests.FindAsync(key, reference, request.Aborted);
        var stored = found?.Stored;
        byte[]? payload;
        try
        {
            payload = stored is null ? null : await manifests.ReadAsync(stored, request.Aborted);
        }
        catch (IOException e) when (e is not StoreAwayException)
        {
            await request.FailAsync(
                Outcome.StoreUnreadable, "the manifest's bytes could not be read, which says nothing about whether they are there; the operator has been told");
            return;
        }
        // Of a lost one the reading may just have found the bytes; what it needs is known at the next request.
        if (stored is null || payload is null || stored.IsLost || !await sight.ShowsAsync(request, stored))
        {
            await WhenUnknown(request, reference);
            return;
        }
        // A HEAD only asks whether it is there; probes do that all day. The server's own look at its images keeps none of them either.
        if (!HttpMethods.IsHead(request.Context.Request.Method) && !ReferenceEquals(request.Caller, Caller.Self)
            && AcceptedTypes.Allow(request.Context.Request.Headers.Accept, stored.MediaType))
        {
            notePull(key, stored.Digest);
        }
        await request.SendManifestAsync(found!.Names, stored.MediaType, payload);
    }

    public async Task DeleteAsync(RegistryRequest request)
    {
        if (!Reference.TryParse(request.Route.Last, out var reference))
        {
            await FailReferenceAsync(request);
            return;
        }
        var key = new RepositoryKey(request.Registry.Id, request.Route.Repository);
        var result = await request.Registry.Metadata.WriteAsync(
            (key, reference, by: Deletions.By(request), now: time.GetUtcNow().ToUnixTimeMilliseconds()),
            static (session, s) => s.reference.IsDigest
                ? Storage.Metadata.Manifests.Delete(session, s.key, s.reference.Digest, s.by, s.now)
                : Storage.Metadata.Tags.Delete(session, s.key, s.reference.Tag, s.by, s.now) ? DeleteResult.Deleted : DeleteResult.Unknown,
            request.Aborted);
        switch (result.Outcome)
        {
            case DeleteOutcome.Deleted:
                request.Context.Response.StatusCode = StatusCodes.Status202Accepted;
                break;
            case DeleteOutcome.Unknown:
                await FailUnknownAsync(request, reference);
                break;
            case DeleteOutcome.Held:
                await request.FailHeldAsync(result, "indexes of this repository list this manifest, and would break without it; delete them first (detail.holders), then this one can go, or goes by itself after collection.grace");
                break;
        }
    }

    public static Task FailReferenceAsync(RegistryRequest request) => request.Route.Last.Contains(':', StringComparison.Ordinal)
        ? request.FailAsync(Outcome.DigestInvalid, "a digest is sha256: and 64, or sha512: and 128, lower-case hex digits")
        : request.FailAsync(
            Outcome.ManifestInvalid,
            $"a tag has at most {Tag.MaxLength} letters, digits, '_', '.' and '-', and starts with none of the last two");

    private static Task FailUnknownAsync(RegistryRequest request, Reference reference) => request.FailAsync(
        Outcome.ManifestUnknown, "this repository has no such manifest", json => json.WriteString("reference"u8, reference.ToString()));
}
