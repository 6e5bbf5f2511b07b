using Holdfast.Oci;

namespace Holdfast.Storage.Blobs;

/// <summary>
/// Content-addressed bytes (a seam: file system, object storage). A blob is final once stored: its bytes match its digest and never change.
/// Every method throws <see cref="IOException"/> when the answer is unknown, which is never the same as absent (P6).
/// </summary>
public interface IBlobStore : IAsyncDisposable
{
    /// <returns>The stored size in bytes, or null if there is no such blob.</returns>
    ValueTask<long?> FindSizeAsync(Digest digest, CancellationToken cancellationToken);

    /// <returns>A reader of the stored bytes, or null if there is no such blob.</returns>
    ValueTask<BlobReader?> OpenAsync(Digest digest, CancellationToken cancellationToken);

    /// <summary>
    /// As <see cref="OpenAsync"/>, for checks: reads come from where the bytes lie for good rather than from a memory of them, and leave no
    /// memory behind that would push out what clients read. A store that has no such memory needs nothing of its own.
    /// </summary>
    ValueTask<BlobReader?> OpenForCheckAsync(Digest digest, CancellationToken cancellationToken) => OpenAsync(digest, cancellationToken);

    /// <summary>
    /// Opens the bytes of an upload session: none for a new one, what was received for one that a restart interrupted (they are hashed again).
    /// </summary>
    /// <param name="upload">The session's id; only one writer of an id may exist at a time.</param>
    /// <param name="algorithm">What to hash with while bytes arrive; a commit under another algorithm reads the bytes once more.</param>
    ValueTask<BlobWriter> OpenUploadAsync(Guid upload, DigestAlgorithm algorithm, CancellationToken cancellationToken);

    /// <summary>Every upload session of which bytes are stored.</summary>
    IAsyncEnumerable<StoredUpload> ListUploadsAsync(CancellationToken cancellationToken);

    /// <summary>Removes a session's bytes; nothing happens if there are none.</summary>
    ValueTask RemoveUploadAsync(Guid upload, CancellationToken cancellationToken);

    /// <summary>
    /// Makes blobs of uploads that were brought in whole, many at once: what <see cref="BlobWriter.CommitAsync"/> does for one, with fewer syncs (P1). A blob
    /// already stored under a digest is replaced. Hold the locks of all.
    /// </summary>
    /// <returns>What became of each, in their order. Those that became no blob are left as they are.</returns>
    /// <exception cref="IOException">Of none is it known to be stored.</exception>
    async ValueTask<IReadOnlyList<AdoptedUpload>> AdoptAsync(IReadOnlyList<WholeUpload> uploads, CancellationToken cancellationToken)
    {
        // A store that can do no better hashes them all, trusted or not.
        var adopted = new List<AdoptedUpload>(uploads.Count);
        foreach (var upload in uploads)
        {
            cancellationToken.ThrowIfCancellationRequested();
            await using var writer = await OpenUploadAsync(upload.Upload, upload.Digest.Algorithm, CancellationToken.None);
            if (writer.SizeBytes != upload.SizeBytes)
                adopted.Add(new AdoptedUpload(writer.SizeBytes == 0 ? AdoptionOutcome.Missing : AdoptionOutcome.WrongSize));
            else if (await writer.CommitAsync(upload.Digest, CancellationToken.None) == BlobCommitOutcome.Stored)
                adopted.Add(new AdoptedUpload(AdoptionOutcome.Stored, writer.Stamp, IsHashed: true));
            else
                adopted.Add(new AdoptedUpload(AdoptionOutcome.DigestMismatch));
        }
        return adopted;
    }

    /// <summary>Size and stamp of a blob, without opening it; null if there is no such blob. What the sweep asks for every blob.</summary>
    ValueTask<BlobStatus?> FindStatusAsync(Digest digest, CancellationToken cancellationToken);

    /// <summary>
    /// Every name in the store, a blob's or not, in the order of a walk that goes on after <paramref name="after"/> (null: from the start).
    /// </summary>
    IAsyncEnumerable<StoredName> ListAsync(string? after, CancellationToken cancellationToken);

    /// <summary>
    /// Makes a blob last that is there, whoever left it: a power cut loses neither its bytes nor its name any more. Nothing happens if there is none.
    /// </summary>
    ValueTask SyncAsync(Digest digest, CancellationToken cancellationToken);

    /// <summary>Takes a blob away to where its bytes are kept as evidence and never served; durable. Hold its lock.</summary>
    /// <returns>Where to, for people; null if there was no such blob.</returns>
    ValueTask<string?> QuarantineAsync(Digest digest, DateTimeOffset now, CancellationToken cancellationToken);

    /// <summary>Removes what of the quarantine is beyond the bound.</summary>
    /// <returns>What was removed. A store whose quarantine bounds itself removes nothing here.</returns>
    ValueTask<IReadOnlyList<QuarantinedFile>> TrimQuarantineAsync(QuarantineBound bound, DateTimeOffset now, CancellationToken cancellationToken) =>
        new([]);

    /// <summary>
    /// Removes the bytes of blobs; nothing happens where there are none. A power cut may bring some back, as files that nobody knows.
    /// </summary>
    /// <returns>Those that could not be removed, with why: whether their bytes are still there is not known (P6).</returns>
    ValueTask<IReadOnlyList<UnremovedBlob>> RemoveAsync(IReadOnlyList<Digest> digests, CancellationToken cancellationToken);

    /// <summary>
    /// What speaks against the blobs being where they should be; null: nothing. While something does, nothing is stored or removed, and what isn't found
    /// is a <see cref="StoreAwayException"/>. Asked often. A store that can't be away needs nothing of its own.
    /// </summary>
    string? FindFault() => null;

    /// <returns>Free and total bytes of what the store lies on, or null if it has no such bound.</returns>
    StoreSpace? MeasureSpace();
}

/// <summary>An upload whose bytes are all there.</summary>
/// <param name="IsTrusted">Its bytes need not be hashed now: whoever asks for this takes care that they are before they are served.</param>
public readonly record struct WholeUpload(Guid Upload, Digest Digest, long SizeBytes, bool IsTrusted);

/// <param name="Stamp">Of the blob; 0 if it was possibly changed meanwhile.</param>
/// <param name="IsHashed">Were its bytes hashed, and right?</param>
/// <param name="Problem">Why they could not be read.</param>
public readonly record struct AdoptedUpload(AdoptionOutcome Outcome, long Stamp = 0, bool IsHashed = false, string? Problem = null);

public enum AdoptionOutcome
{
    Stored,

    /// <summary>There is no such upload.</summary>
    Missing,

    WrongSize,
    DigestMismatch,

    /// <summary>The bytes can't be read: whether they are right is not known (P6).</summary>
    Unreadable,
}

public readonly record struct UnremovedBlob(Digest Digest, IOException Error);

/// <param name="Upload">The session's id.</param>
/// <param name="SizeBytes">Bytes received.</param>
/// <param name="LastWrite">When the last of them came.</param>
public readonly record struct StoredUpload(Guid Upload, long SizeBytes, DateTimeOffset LastWrite);

public readonly record struct BlobStatus(long SizeBytes, long Stamp);

/// <param name="Name">Relative to the store's root; what <c>after</c> takes.</param>
/// <param name="Digest">None if the name is no blob's.</param>
/// <param name="LastChange">When the file's bytes or name last changed.</param>
public readonly record struct StoredName(string Name, Digest Digest, long SizeBytes, DateTimeOffset LastChange);

public readonly record struct StoreSpace(long FreeBytes, long TotalBytes);
