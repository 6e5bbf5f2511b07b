using Holdfast.Server.Http;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Blobs;

/// <summary>Opens blobs for pulls, and has them hashed first where a pull needs that.</summary>
internal sealed class BlobOpening(BlobVerifier verifier)
{
    // A push that replaces the file just between the hash and the opening makes one more round; more than these is not a push.
    private const int MaxRounds = 4;

    /// <summary>
    /// Absent, of the wrong size and known to be wrong are one answer for HEAD and GET alike, so that a client pushes it again (P4).
    /// </summary>
    /// <exception cref="IOException">Whether it is there is not known (P6).</exception>
    public async ValueTask<BlobReader?> OpenAsync(IBlobStore store, VisibleBlob blob, CancellationToken cancellationToken)
    {
        var reader = await store.OpenAsync(blob.Digest, cancellationToken);
        if (reader is not null && reader.SizeBytes == blob.SizeBytes && !verifier.KnowsWrong(blob, reader.Stamp))
            return reader;
        BlobMetrics.Damaged.Add(1);
        if (reader is not null)
            await reader.DisposeAsync();
        await NoteMissingAsync(blob);
        return null;
    }

    /// <summary>Has all of the blob hashed, together with everyone else who waits for that.</summary>
    /// <param name="reader">Disposed, if another takes its place.</param>
    /// <returns>A reader of the bytes that were right; null with any other verdict.</returns>
    public async Task<(BlobVerdict Verdict, BlobReader? Reader)> VerifyAsync(
        IBlobStore store, VisibleBlob blob, BlobReader reader, CancellationToken cancellationToken)
    {
        BlobReader? current = reader;
        try
        {
            for (var round = 0; round < MaxRounds; round++)
            {
                var check = await verifier.VerifyAsync(blob.Digest).WaitAsync(cancellationToken);
                if (check.Verdict != BlobVerdict.Right)
                    return (check.Verdict, null);
                for (var opened = 0; opened < 2 && current is not null; opened++)
                {
                    if (current.Stamp == check.Stamp)
                    {
                        var verified = current;
                        current = null;
                        return (BlobVerdict.Right, verified);
                    }
                    await current.DisposeAsync();
                    current = await store.OpenAsync(blob.Digest, cancellationToken);
                }
                if (current is null)
                    return (BlobVerdict.Missing, null);
                verifier.Forget(blob.Digest);
            }
            return (BlobVerdict.Unsettled, null);
        }
        catch (IOException e) when (e is not StoreAwayException)
        {
            await verifier.Findings.ReportUnreadableAsync(blob.Digest, e);
            return (BlobVerdict.Unreadable, null);
        }
        finally
        {
            if (current is not null)
                await current.DisposeAsync();
        }
    }

    // Not on every request: what was reported lately is there to be read.
    private async Task NoteMissingAsync(VisibleBlob blob)
    {
        var subject = blob.Digest.ToString();
        var findings = verifier.Findings;
        if (!findings.WasReportedLately(IncidentKind.BlobMissing, subject) && !findings.WasReportedLately(IncidentKind.BlobCorrupt, subject))
            await verifier.NoteMissingAsync(blob.Digest, CancellationToken.None);
    }
}
