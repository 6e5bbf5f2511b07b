using System.Collections.Concurrent;
using Holdfast.Doctor.Sources;
using Holdfast.Oci;
using Holdfast.Storage.Acceptance;
using Holdfast.Storage.Metadata;

namespace Holdfast.Doctor.Import;

/// <summary>Brings the blobs of one repository into the target: as files where they are files and the target takes them, else as bytes. Many at a time.</summary>
internal sealed class BlobBringing(ContentSource source, ImportTarget target, ImportOptions options, ImportReport report)
{
    // What one round of syncs and one commit are for; and what is hashed while its locks are held.
    public const int MaxBlobs = 1000;
    public const long MaxBytes = 256L << 20;

    // Some 10 MB.
    private const int MaxKnownCopies = 50_000;

    private readonly ConcurrentDictionary<LinkedBlob, Flaw> _flaws = new();
    private readonly ConcurrentDictionary<Guid, (Digest Digest, LinkKind Kind)> _brought = new();
    private long _doneBytes;

    /// <summary>Blobs whose bytes are copied, or were, here or in another slice of the same run, and whether they arrive: nobody copies them a second time.</summary>
    public required ConcurrentDictionary<Digest, Task<bool>> Copies { get; init; }

    /// <summary>What could not be brought, and why.</summary>
    public IReadOnlyDictionary<LinkedBlob, Flaw> Flaws => _flaws;

    /// <summary>Looks which blobs the source lacks or has in another size, where a look is cheap.</summary>
    public Task LookAsync(RepositoryName repository, IEnumerable<LinkedBlob> blobs, CancellationToken token) => source.IsRemote
        ? Task.CompletedTask
        : Parallel.ForEachAsync(blobs, new ParallelOptions { MaxDegreeOfParallelism = options.Parallel, CancellationToken = token }, async (blob, one) =>
        {
            await using var open = await TryOpenAsync(repository, blob, one);
        });

    /// <summary>Brings those that are not flawed.</summary>
    /// <param name="present">Those of which the target needs no bytes.</param>
    public async Task BringAsync(
        RepositoryName repository, RepositoryKey place, IReadOnlyCollection<LinkedBlob> blobs, IReadOnlySet<Digest> present, CancellationToken token)
    {
        var total = blobs.Where(blob => !present.Contains(blob.Digest)).Sum(blob => blob.SizeBytes);
        Interlocked.Exchange(ref _doneBytes, 0);
        foreach (var chunk in Chunks(blobs.Where(blob => !_flaws.ContainsKey(blob))))
        {
            var again = await BringChunkAsync(repository, place, chunk, present, total, token);
            // What was believed to be there, or was brought and is gone (the server was restarted), once more.
            if (again.Count > 0)
            {
                foreach (var blob in await BringChunkAsync(repository, place, again, new HashSet<Digest>(), total, token))
                    _flaws[blob] = new Flaw("what was brought of it was taken away by somebody else, twice", IsUnknown: true);
            }
        }
    }

    private static IEnumerable<List<LinkedBlob>> Chunks(IEnumerable<LinkedBlob> blobs)
    {
        var (chunk, bytes) = (new List<LinkedBlob>(), 0L);
        foreach (var blob in blobs)
        {
            chunk.Add(blob);
            bytes += blob.SizeBytes;
            if (chunk.Count < MaxBlobs && bytes < MaxBytes)
                continue;
            yield return chunk;
            (chunk, bytes) = ([], 0);
        }
        if (chunk.Count > 0)
            yield return chunk;
    }

    private async Task<List<LinkedBlob>> BringChunkAsync(
        RepositoryName repository, RepositoryKey place, List<LinkedBlob> chunk, IReadOnlySet<Digest> present, long total, CancellationToken token)
    {
        var offers = new ConcurrentBag<BlobOffer>();
        try
        {
            await Parallel.ForEachAsync(chunk, new ParallelOptions { MaxDegreeOfParallelism = options.Parallel, CancellationToken = token }, async (blob, one) =>
            {
                if (present.Contains(blob.Digest))
                    offers.Add(new BlobOffer(blob.Digest, blob.SizeBytes, [place]));
                else if (await BringAsync(repository, place, blob, total, one) is { } offer)
                    offers.Add(offer);
            });
            var receipts = offers.IsEmpty ? [] : await target.AcceptAsync([.. offers], token);
            return Settle(chunk, receipts, total);
        }
        finally
        {
            foreach (var upload in _brought.Keys)
                target.Staging?.Remove(upload);
            _brought.Clear();
        }
    }

    private List<LinkedBlob> Settle(List<LinkedBlob> chunk, IReadOnlyList<BlobReceipt> receipts, long total)
    {
        var again = new List<LinkedBlob>();
        var sizes = chunk.ToLookup(blob => blob.Digest);
        foreach (var stored in receipts.Where(receipt => receipt.Outcome == BlobReceiptOutcome.Stored).Join(_brought.Values, receipt => receipt.Digest, one => one.Digest, (_, one) => one.Kind))
            _ = stored == LinkKind.Hard ? report.HardLinks++ : report.Reflinks++;
        // Those have become blobs: there is nothing left to take back.
        var placed = receipts.Where(receipt => receipt.Outcome == BlobReceiptOutcome.Stored).Select(receipt => receipt.Digest).ToHashSet();
        foreach (var (upload, _) in _brought.Where(one => placed.Contains(one.Value.Digest)))
            _brought.TryRemove(upload, out _);
        foreach (var receipt in receipts)
        {
            foreach (var blob in sizes[receipt.Digest])
            {
                if (receipt.Outcome == BlobReceiptOutcome.NeedsBytes)
                {
                    again.Add(blob);
                    if (Copies.TryGetValue(blob.Digest, out var copy) && copy.IsCompleted)
                        Copies.TryRemove(KeyValuePair.Create(blob.Digest, copy));
                }
                else
                    Note(blob, receipt, total);
            }
        }
        return again;
    }

    private void Note(LinkedBlob blob, BlobReceipt receipt, long total)
    {
        if (receipt.Outcome is BlobReceiptOutcome.Stored)
            Advance(blob, total);
        else if (receipt.Outcome is BlobReceiptOutcome.Linked)
            report.Shared++;
        else
            _flaws[blob] = new Flaw(receipt.Problem ?? "it was refused", receipt.Outcome == BlobReceiptOutcome.Unreadable);
    }

    private async Task<BlobOffer?> BringAsync(RepositoryName repository, RepositoryKey place, LinkedBlob blob, long total, CancellationToken token)
    {
        await using var open = await TryOpenAsync(repository, blob, token);
        if (open is null)
            return null;
        if (target.Staging is { } staging && open.File is { } path && open.Content is FileStream file)
        {
            var upload = options.NewUpload();
            var kind = staging.Bring(file.SafeFileHandle, path, upload);
            if (kind != LinkKind.Copy)
            {
                _brought[upload] = (blob.Digest, kind);
                return new BlobOffer(blob.Digest, blob.SizeBytes, [place]) { Upload = upload, IsTrusted = options.IsTrusted };
            }
        }
        var mine = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        while (Copies.GetOrAdd(blob.Digest, mine.Task) is var other && other != mine.Task)
        {
            // What came to nothing there is tried, and told of, here.
            if (await other.WaitAsync(token))
                return new BlobOffer(blob.Digest, blob.SizeBytes, [place]);
        }
        var isStored = false;
        try
        {
            await StoreAsync(place, blob, open, total, token);
            isStored = !_flaws.ContainsKey(blob);
        }
        finally
        {
            // Who looked before it was there finds here that it is by now.
            if (!isStored || Copies.Count > MaxKnownCopies)
                Copies.TryRemove(blob.Digest, out _);
            mine.SetResult(isStored);
        }
        return null;
    }

    private async Task StoreAsync(RepositoryKey place, LinkedBlob blob, SourceBlob open, long total, CancellationToken token)
    {
        try
        {
            var receipt = await target.StoreAsync(place.Name, blob, open.Content, token);
            if (receipt.Outcome != BlobReceiptOutcome.Stored)
            {
                Note(blob, receipt, total);
                return;
            }
            lock (report)
                report.Copies++;
            Advance(blob, total);
        }
        catch (SourceException e)
        {
            _flaws[blob] = new Flaw(e.Message, IsUnknown: !e.IsWrongBytes);
        }
    }

    private async ValueTask<SourceBlob?> TryOpenAsync(RepositoryName repository, LinkedBlob blob, CancellationToken token)
    {
        try
        {
            var open = await source.TryOpenBlobAsync(repository, blob.Digest, token);
            if (open is null)
            {
                _flaws[blob] = new Flaw("its bytes are not there");
                return null;
            }
            if (open.SizeBytes is not { } size || size == blob.SizeBytes)
                return open;
            await open.DisposeAsync();
            _flaws[blob] = new Flaw($"there are {size} bytes instead of {blob.SizeBytes}");
        }
        catch (SourceException e)
        {
            _flaws[blob] = new Flaw(e.Message, IsUnknown: !e.IsWrongBytes);
        }
        return null;
    }

    private void Advance(LinkedBlob blob, long total)
    {
        lock (report)
            report.Bytes += blob.SizeBytes;
        options.Progress(new ImportProgress("bringing blobs in", Interlocked.Add(ref _doneBytes, blob.SizeBytes), total, "bytes"));
    }
}
