using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Metadata;
using Microsoft.AspNetCore.Http;

namespace Holdfast.Server.Uploads;

/// <summary>The last step of every upload: bytes become a blob, the repository gets its link, the client its 201 (P1).</summary>
internal sealed class BlobAcceptance(TimeProvider time)
{
    /// <summary>Makes a blob of the upload's bytes and links it; the session's row goes in the same transaction.</summary>
    /// <returns>False if the bytes have another digest; nothing was stored then.</returns>
    public async Task<bool> TryAcceptAsync(Registry registry, RepositoryKey repository, BlobWriter writer, Digest digest)
    {
        var size = writer.SizeBytes;
        // Neither step takes the request's token: from here on a lost client must not undo the push.
        if (await writer.CommitAsync(digest, CancellationToken.None) != BlobCommitOutcome.Stored)
            return false;
        await registry.Metadata.WriteAsync(
            (repository, digest, size, writer.Upload, now: time.GetUtcNow().ToUnixTimeMilliseconds()),
            static (db, s) =>
            {
                BlobLinks.Add(db, s.repository, s.digest, s.size, s.now);
                Storage.Metadata.Uploads.Remove(db, s.Upload);
                return true;
            },
            CancellationToken.None);
        return true;
    }

    /// <summary>Links a blob that another repository has (end-11).</summary>
    public Task LinkAsync(Registry registry, RepositoryKey repository, LinkedBlob blob) => registry.Metadata.WriteAsync(
        (repository, blob, now: time.GetUtcNow().ToUnixTimeMilliseconds()),
        static (db, s) =>
        {
            BlobLinks.Add(db, s.repository, s.blob.Digest, s.blob.SizeBytes, s.now);
            return true;
        },
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
