using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Metadata;
using Microsoft.AspNetCore.Http;

namespace Holdfast.Server.Blobs;

/// <summary>Blobs by digest: GET and HEAD (end-2), DELETE (end-10).</summary>
internal sealed class BlobEndpoint(BlobLookup lookup, BlobVerifier verifier, PushLeases leases, TimeProvider time)
{
    private readonly BlobOpening _opening = new(verifier);

    /// <summary>Answers a GET or HEAD of what is not here, or not as it should be: with 404, unless it can be had from elsewhere.</summary>
    public Func<RegistryRequest, Digest, Task> WhenUnknown { get; init; } = FailUnknownAsync;

    public async Task GetAsync(RegistryRequest request)
    {
        if (!Digest.TryParse(request.Route.Last, out var digest))
        {
            await request.FailAsync(Outcome.DigestInvalid, DigestProblem);
            return;
        }
        var key = new RepositoryKey(request.Registry.Id, request.Route.Repository);
        if (await lookup.FindAsync(key, digest, request.Aborted) is not { } found)
        {
            await WhenUnknown(request, digest);
            return;
        }
        BlobReader? reader;
        try
        {
            reader = await _opening.OpenAsync(request.Registry.Blobs, found.Blob, request.Aborted);
        }
        catch (IOException e) when (e is not StoreAwayException)
        {
            await FailUnreadableAsync(request, digest, e);
            return;
        }
        await AnswerAsync(request, found, reader);
    }

    public async Task DeleteAsync(RegistryRequest request)
    {
        if (!Digest.TryParse(request.Route.Last, out var digest))
        {
            await request.FailAsync(Outcome.DigestInvalid, DigestProblem);
            return;
        }
        var key = new RepositoryKey(request.Registry.Id, request.Route.Repository);
        var result = await request.Registry.Metadata.WriteAsync(
            (key, digest, by: Deletions.By(request), now: time.GetUtcNow().ToUnixTimeMilliseconds()),
            static (session, s) => BlobLinks.Remove(session, s.key, s.digest, s.by, s.now),
            request.Aborted);
        switch (result.Outcome)
        {
            case DeleteOutcome.Deleted:
                request.Context.Response.StatusCode = StatusCodes.Status202Accepted;
                break;
            case DeleteOutcome.Unknown:
                await FailUnknownAsync(request, digest);
                break;
            case DeleteOutcome.Held:
                await request.FailHeldAsync(result, "manifests of this repository use this blob, and would break without it; delete them first (detail.holders), then this one can go, or goes by itself after collection.grace");
                break;
        }
    }

    private const string DigestProblem = "a digest is sha256: and 64, or sha512: and 128, lower-case hex digits";

    private static Task FailUnknownAsync(RegistryRequest request, Digest digest) => request.FailAsync(
        Outcome.BlobUnknown, "this repository has no such blob", json => json.WriteString("digest"u8, digest.ToString()));

    private async Task FailUnreadableAsync(RegistryRequest request, Digest digest, IOException cause)
    {
        await verifier.Findings.ReportUnreadableAsync(digest, cause);
        await request.FailAsync(
            Outcome.StoreUnreadable, "the blob's bytes could not be read, which says nothing about whether they are there; the operator has been told",
            json => json.WriteString("digest"u8, digest.ToString()));
    }

    private async Task AnswerAsync(RegistryRequest request, FoundBlob found, BlobReader? reader)
    {
        var blob = found.Blob;
        // The opening may put another reader in its place, so that it is disposed here whatever happens.
        try
        {
            if (reader is null || !await leases.HoldAsync(request, blob))
            {
                await WhenUnknown(request, blob.Digest);
                return;
            }
            var part = await request.ChoosePartAsync(found.Names, reader.SizeBytes);
            if (part is not { } chosen)
                return;
            var isWhole = chosen.LengthBytes == reader.SizeBytes;
            var isHead = HttpMethods.IsHead(request.Context.Request.Method);
            var isSuspect = verifier.IsSuspect(blob.Digest);
            var isTrusted = !isSuspect && (isHead || verifier.Trusts(blob, reader));
            if (!isTrusted && (isSuspect || !isWhole || reader.SizeBytes <= BlobSender.ChunkBytes || verifier.IsChecking(blob.Digest)))
            {
                reader = await VerifyFirstAsync(request, blob, reader);
                if (reader is null)
                    return;
                isTrusted = true;
            }
            request.DescribeBlob(found.Names, chosen, blob.SizeBytes);
            if (!isHead)
                await SendAsync(request, blob, reader, chosen, isTrusted);
        }
        finally
        {
            if (reader is not null)
                await reader.DisposeAsync();
        }
    }

    /// <returns>A reader of bytes that are right, or null if something else was answered.</returns>
    private async Task<BlobReader?> VerifyFirstAsync(RegistryRequest request, VisibleBlob blob, BlobReader reader)
    {
        var (verdict, verified) = await _opening.VerifyAsync(request.Registry.Blobs, blob, reader, request.Aborted);
        switch (verdict)
        {
            case BlobVerdict.Right:
                break;
            case BlobVerdict.Missing or BlobVerdict.Corrupt:
                await WhenUnknown(request, blob.Digest);
                break;
            case BlobVerdict.Unreadable or BlobVerdict.Unsettled:
                await request.FailAsync(
                    Outcome.StoreUnreadable, "the blob's bytes could not be checked, which says nothing about whether they are right; try again");
                break;
        }
        return verified;
    }

    private async Task SendAsync(RegistryRequest request, VisibleBlob blob, BlobReader reader, ByteRange part, bool isTrusted)
    {
        try
        {
            var isWhole = await BlobSender.SendAsync(request.Context, reader, part, isTrusted ? null : blob.Digest);
            if (isWhole && !isTrusted)
                _ = verifier.Renewals.Add(new StoredBlob(blob.Digest, blob.SizeBytes, reader.Stamp), blob.Stamp);
        }
        catch (BlobReadException e)
        {
            if (e.Fault == BlobFault.Unreadable)
                await verifier.Findings.ReportUnreadableAsync(blob.Digest, e);
            else
                verifier.Suspect(blob.Digest);
            throw;
        }
    }
}
