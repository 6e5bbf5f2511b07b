using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Metadata;
using Microsoft.AspNetCore.Http;

namespace Holdfast.Server.Uploads;

/// <summary>An open upload: a chunk (end-5), the end (end-6), its status (end-13), its cancelling (end-14).</summary>
internal sealed class UploadEndpoint(UploadSessions sessions, BlobAcceptance acceptance, DiskReserve reserve)
{
    public async Task PatchAsync(RegistryRequest request)
    {
        if (await EnterAsync(request) is not { } session)
            return;
        try
        {
            if (await TryReceiveAsync(request, session))
            {
                Describe(request, session, session.Writer!.SizeBytes);
                request.Context.Response.StatusCode = StatusCodes.Status202Accepted;
                request.Context.Response.ContentLength = 0;
            }
        }
        finally
        {
            await sessions.LeaveAsync(session);
        }
    }

    public async Task PutAsync(RegistryRequest request)
    {
        if (!Digest.TryParse(Query.One(request.Context.Request, "digest"), out var digest))
        {
            await request.FailAsync(
                Outcome.DigestInvalid, "the closing PUT takes ?digest=: sha256: and 64, or sha512: and 128, lower-case hex digits");
            return;
        }
        if (await EnterAsync(request) is not { } session)
            return;
        var accepted = false;
        var ended = false;
        try
        {
            if (!await TryReceiveAsync(request, session))
                return;
            accepted = await TryAcceptAsync(request, session, digest);
            ended = true;
        }
        finally
        {
            if (!ended)
                await sessions.LeaveAsync(session);
            else if (accepted)
                await sessions.CloseAsync(session);
            else
                await sessions.CancelAsync(session);
        }
        if (accepted)
            BlobAcceptance.Answer(request, digest);
        else
            await BlobAcceptance.FailMismatchAsync(request, digest);
    }

    public async Task GetAsync(RegistryRequest request)
    {
        if (await EnterAsync(request) is not { } session)
            return;
        Describe(request, session, session.Writer!.SizeBytes);
        request.Context.Response.StatusCode = StatusCodes.Status204NoContent;
        await sessions.LeaveAsync(session);
    }

    public async Task DeleteAsync(RegistryRequest request)
    {
        if (await EnterAsync(request) is not { } session)
            return;
        await sessions.CancelAsync(session);
        request.Context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    /// <summary>Says where the session is and how far it got. With nothing received the range is 0-0, as clients expect.</summary>
    public static void Describe(RegistryRequest request, UploadSession session, long sizeBytes)
    {
        var headers = request.Context.Response.Headers;
        headers.Location = $"/v2/{session.Repository.Name}/blobs/uploads/{session.Id}";
        headers["Docker-Upload-UUID"] = session.Id.ToString();
        headers.Range = $"0-{Math.Max(0, sizeBytes - 1)}";
    }

    private async Task<bool> TryAcceptAsync(RegistryRequest request, UploadSession session, Digest digest)
    {
        try
        {
            return await acceptance.TryAcceptAsync(request.Registry, session.Repository, session.Writer!, digest);
        }
        catch
        {
            await UploadSessions.ForgetWriterAsync(session);
            throw;
        }
    }

    private async ValueTask<UploadSession?> EnterAsync(RegistryRequest request)
    {
        var key = new RepositoryKey(request.Registry.Id, request.Route.Repository);
        var (session, outcome) = await sessions.EnterAsync(key, request.Route.Last, request.Aborted);
        if (session is not null)
            return session;
        await request.FailAsync(outcome, outcome == Outcome.UploadBusy
            ? "another request is using this upload; wait for it, or start an upload of your own"
            : "this repository has no such upload; it was finished, cancelled, or expired: start a new one");
        return null;
    }

    // True if the body, of whatever length, is now part of the upload; else the error was answered and the upload is as it was before.
    private async Task<bool> TryReceiveAsync(RegistryRequest request, UploadSession session)
    {
        var http = request.Context.Request;
        var writer = session.Writer!;
        var start = writer.SizeBytes;
        long? stated = null;
        if (http.Headers.ContentRange is [{ } header, ..])
        {
            if (!ContentRange.TryParse(header, out var range))
            {
                await request.FailAsync(Outcome.UploadInvalid, "Content-Range is first-last, two offsets in bytes");
                return false;
            }
            if (range.First != start)
            {
                Describe(request, session, start);
                await request.FailAsync(
                    Outcome.UploadRangeMissed, $"the upload has {Counted.Of(start, "byte")}; the next chunk starts there", json => json.WriteNumber("offset"u8, start));
                return false;
            }
            stated = range.LengthBytes;
            if (http.ContentLength is { } length && length != stated)
            {
                await request.FailAsync(Outcome.UploadSizeWrong, $"Content-Range states {Counted.Of(stated.Value, "byte")}, Content-Length {length}");
                return false;
            }
        }
        if (await reserve.IsShortAsync(http.ContentLength ?? 0, request.Aborted))
        {
            await reserve.FailAsync(request);
            return false;
        }
        return await TryAppendAsync(request, session, stated);
    }

    private async Task<bool> TryAppendAsync(RegistryRequest request, UploadSession session, long? stated)
    {
        var writer = session.Writer!;
        var start = writer.SizeBytes;
        try
        {
            var received = await UploadBody.ReceiveAsync(request, writer, stated, reserve);
            if (stated is null || received == stated)
                return true;
        }
        catch (Exception failure) when (failure is not (OperationCanceledException or BadHttpRequestException))
        {
            await UploadSessions.ForgetWriterAsync(session);
            throw;
        }
        await writer.TruncateAsync(start, CancellationToken.None);
        await request.FailAsync(Outcome.UploadSizeWrong, $"Content-Range states {Counted.Of(stated.Value, "byte")}; the body has another number");
        return false;
    }
}
