using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Storage.Metadata;
using Microsoft.AspNetCore.Http;

namespace Holdfast.Server.Uploads;

/// <summary>Starts uploads: an open session (end-4a, end-4c), a blob in a single POST (end-4b), a mount (end-11).</summary>
internal sealed class UploadsEndpoint(UploadSessions sessions, BlobAcceptance acceptance, MountSource mounts, DiskReserve reserve)
{
    public async Task PostAsync(RegistryRequest request)
    {
        var http = request.Context.Request;
        var algorithm = DigestAlgorithm.Sha256;
        if (Query.One(http, "digest-algorithm") is { } name && !DigestAlgorithms.TryParse(name, out algorithm))
        {
            await request.FailAsync(Outcome.DigestInvalid, "digest-algorithm is sha256 or sha512");
            return;
        }
        if (await reserve.IsShortAsync(http.ContentLength ?? 0, request.Aborted))
        {
            await reserve.FailAsync(request);
            return;
        }
        Digest digest = default;
        if (Query.One(http, "mount") is { } mount)
        {
            if (!Digest.TryParse(mount, out digest))
                await FailDigestAsync(request, "mount");
            else if (await mounts.FindAsync(request, digest, Query.One(http, "from")) is { } source
                && await acceptance.TryMountAsync(request.Registry, source, KeyOf(request), digest))
                BlobAcceptance.Answer(request, digest);
            else
                await OpenAsync(request, digest.Algorithm);
        }
        else if (Query.One(http, "digest") is not { } text)
            await OpenAsync(request, algorithm);
        else if (!Digest.TryParse(text, out digest))
            await FailDigestAsync(request, "digest");
        else
            await ReceiveWholeAsync(request, digest);
    }

    private async Task OpenAsync(RegistryRequest request, DigestAlgorithm algorithm)
    {
        if (sessions.Open(KeyOf(request), algorithm) is not { } session)
        {
            request.Context.Response.Headers.RetryAfter = "60";
            await request.FailAsync(Outcome.TooManyUploads, "as many uploads are open as may be (uploads.maxOpen); finish or cancel some, or wait");
            return;
        }
        UploadEndpoint.Describe(request, session, 0);
        request.Context.Response.StatusCode = StatusCodes.Status202Accepted;
        request.Context.Response.ContentLength = 0;
    }

    // No session: there is nothing to resume, and the bytes go if anything fails.
    private async Task ReceiveWholeAsync(RegistryRequest request, Digest digest)
    {
        var blobs = request.Registry.Blobs;
        var upload = Guid.NewGuid();
        var accepted = false;
        try
        {
            await using var writer = await blobs.OpenUploadAsync(upload, digest.Algorithm, request.Aborted);
            await UploadBody.ReceiveAsync(request, writer, null, reserve);
            accepted = await acceptance.TryAcceptAsync(request.Registry, KeyOf(request), writer, digest);
        }
        finally
        {
            if (!accepted)
                await blobs.RemoveUploadAsync(upload, CancellationToken.None);
        }
        if (accepted)
            BlobAcceptance.Answer(request, digest);
        else
            await BlobAcceptance.FailMismatchAsync(request, digest);
    }

    private static RepositoryKey KeyOf(RegistryRequest request) => new(request.Registry.Id, request.Route.Repository);

    private static Task FailDigestAsync(RegistryRequest request, string parameter) =>
        request.FailAsync(Outcome.DigestInvalid, $"{parameter} is sha256: and 64, or sha512: and 128, lower-case hex digits");
}
