using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Storage.Acceptance;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Metadata;
using Microsoft.AspNetCore.Http;

namespace Holdfast.Server.Uploads;

/// <summary>The end of every upload: the blob and its link are stored, the client gets its 201 (P1).</summary>
internal sealed class BlobAcceptance(TimeProvider time, IncidentBook incidents)
{
    /// <summary>Makes a blob of the upload's bytes and links it.</summary>
    /// <returns>False if the bytes have another digest; nothing was stored then.</returns>
    public async Task<bool> TryAcceptAsync(Registry registry, RepositoryKey repository, BlobWriter writer, Digest digest)
    {
        if (await BlobPush.TryAcceptAsync(registry.Stores, repository, writer, digest, time) is not { } result)
            return false;
        incidents.Note(result.Healed);
        return true;
    }

    /// <summary>Links a blob that another repository has (end-11).</summary>
    /// <returns>False if that one has lost it since it was looked for.</returns>
    public Task<bool> TryMountAsync(Registry registry, RepositoryKey source, RepositoryKey target, Digest digest) => registry.Metadata.WriteAsync(
        (source, target, digest, now: time.GetUtcNow().ToUnixTimeMilliseconds()),
        static (db, s) => BlobLinks.Mount(db, s.source, s.target, s.digest, s.now),
        CancellationToken.None);

    public static void Answer(RegistryRequest request, Digest digest)
    {
        var response = request.Context.Response;
        response.StatusCode = StatusCodes.Status201Created;
        response.Headers.Location = $"/v2/{request.Route.Repository}/blobs/{digest}";
        response.Headers["Docker-Content-Digest"] = digest.ToString();
        response.ContentLength = 0;
    }

    public static Task FailMismatchAsync(RegistryRequest request, Digest digest) => request.FailAsync(
        Outcome.DigestInvalid,
        "the bytes received have another digest; the upload is discarded, start it again",
        json => json.WriteString("digest"u8, digest.ToString()));
}
