using System.Collections.Concurrent;
using Holdfast.Doctor.Sources;
using Holdfast.Oci;
using Holdfast.Storage.Acceptance;
using Holdfast.Storage.Metadata;

namespace Holdfast.Doctor.Import;

/// <summary>
/// Takes some images of one repository: reads their closures, looks what the target has and what the source lacks, brings the blobs of what is whole, then the manifests and the
/// tags. Of an image that is not whole nothing is taken.
/// </summary>
internal sealed class RepositoryImport(ContentSource source, ImportTarget target, ImportOptions options, BlobClaims claims, ImportReport report)
{
    public const int MaxManifests = 100;
    public const int MaxPayloadBytes = 4 << 20;

    /// <summary>Bytes on their way in other slices of the same import.</summary>
    public required ConcurrentDictionary<Digest, Task<bool>> Copies { get; init; }

    /// <returns>Those images that the target has now as the source has them.</returns>
    public async Task<IReadOnlyList<SourceImage>> RunAsync(RepositoryName repository, RepositoryName place, IReadOnlyList<SourceImage> images, CancellationToken token)
    {
        var reading = new ClosureReading(source, target, repository, place, options.Parallel);
        var roots = images.Select(image => image.Digest).Distinct().ToList();
        await reading.ReadAsync(roots, token);
        var referrers = await ReadReferrersAsync(repository, reading, roots, token);
        images = [.. images, .. referrers.Select(digest => new SourceImage(repository, default, digest, null))];
        var ordered = reading.InOrder([.. roots, .. referrers]);
        var bringing = new BlobBringing(source, target, options, report) { Copies = Copies };
        var blobs = ordered.SelectMany(node => node.Blobs).Distinct().ToList();
        var (present, claim) = await ClaimAsync(blobs, token);
        using var claimed = claim;
        await bringing.LookAsync(repository, blobs.Where(blob => !present.Contains(blob.Digest)), token);

        var flaws = new ClosureFlaws(reading.Nodes, bringing.Flaws);
        var whole = ordered.Where(node => !node.IsThere && flaws.IsWhole(node.Digest)).ToList();
        var wanted = whole.SelectMany(node => node.Blobs).Distinct().ToList();
        if (options.IsDry)
        {
            NoteDry(whole, wanted, present);
            return await TellAsync(place, images, flaws, new Dictionary<Digest, ManifestReceipt>(), token);
        }
        await bringing.BringAsync(repository, target.KeyOf(place), wanted, present, token);
        flaws = new ClosureFlaws(reading.Nodes, bringing.Flaws);
        var receipts = await PutAsync(repository, place, [.. whole.Where(node => flaws.IsWhole(node.Digest))], images, token);
        return await TellAsync(place, images, flaws, receipts, token);
    }

    // Shared layers that are there hold nobody up.
    private async Task<(IReadOnlySet<Digest> Present, IDisposable Claim)> ClaimAsync(List<LinkedBlob> blobs, CancellationToken token)
    {
        var releases = claims.Releases;
        var present = await target.FindPresentAsync(blobs, token);
        var missing = blobs.Where(blob => !present.Contains(blob.Digest)).ToList();
        var claim = await claims.EnterAsync(missing.Select(blob => blob.Digest).ToHashSet(), token);
        if (missing.Count == 0 || claims.Releases == releases)
            return (present, claim);
        try
        {
            // Another slice may have brought some of these meanwhile.
            return (present.Union(await target.FindPresentAsync(missing, token)).ToHashSet(), claim);
        }
        catch
        {
            claim.Dispose();
            throw;
        }
    }

    // What says something about an image (a signature, a list of parts) is found from the image, where a source can't list what has no tag.
    private async Task<List<Digest>> ReadReferrersAsync(RepositoryName repository, ClosureReading reading, List<Digest> roots, CancellationToken token)
    {
        var found = new List<Digest>();
        var asked = new HashSet<Digest>();
        for (var next = reading.InOrder(roots).Select(node => node.Digest).ToList(); next.Count > 0;)
        {
            var level = new ConcurrentBag<Digest>();
            await Parallel.ForEachAsync(next.Where(asked.Add), new ParallelOptions { MaxDegreeOfParallelism = options.Parallel, CancellationToken = token }, async (subject, one) =>
            {
                try
                {
                    foreach (var referrer in await source.ListReferrersAsync(repository, subject, one))
                        level.Add(referrer);
                }
                catch (SourceException e)
                {
                    lock (report)
                        report.Add(new ImportFinding(ImportFindingKind.Unreadable, repository, default, subject, [e.Message]));
                }
            });
            next = [.. level.Distinct().Where(digest => !asked.Contains(digest)).Order()];
            found.AddRange(next);
            await reading.ReadAsync(next, token);
        }
        return found;
    }

    private async Task<Dictionary<Digest, ManifestReceipt>> PutAsync(
        RepositoryName repository, RepositoryName place, IReadOnlyList<ClosureNode> whole, IReadOnlyList<SourceImage> images, CancellationToken token)
    {
        var tags = images.Where(image => !image.Tag.IsNone).ToLookup(image => image.Digest);
        var sent = whole.Select(node => node.Digest).ToHashSet();
        var offers = whole.Select(node => Offer(repository, place, node, tags[node.Digest])).ToList();
        // Of those that are there, the tags alone.
        var known = images.Select(image => image.Digest).Distinct().Where(digest => tags.Contains(digest) && !sent.Contains(digest)).ToList();
        var there = await target.FindManifestsAsync(place, known, token);
        offers.AddRange(known.Where(there.Contains).Select(digest => new ManifestOffer(target.KeyOf(place), digest) { Tags = TagsOf(tags[digest]) }));
        var receipts = new Dictionary<Digest, ManifestReceipt>();
        foreach (var batch in Batches(offers))
        {
            foreach (var receipt in await target.AcceptAsync(batch, token))
            {
                receipts[receipt.Digest] = receipt;
                report.Tags += receipt.Tags.Count(tag => tag.Outcome == TagReceiptOutcome.Put);
                if (receipt.Outcome == ManifestReceiptOutcome.Stored && sent.Contains(receipt.Digest))
                    report.Manifests++;
            }
            options.Progress(new ImportProgress("putting manifests", receipts.Count, offers.Count, "manifests"));
        }
        return receipts;
    }

    private ManifestOffer Offer(RepositoryName repository, RepositoryName place, ClosureNode node, IEnumerable<SourceImage> tags)
    {
        var named = tags.ToList();
        var pushed = source.FindPushTime(repository, node.Digest) ?? (named.Count > 0 ? named.Min(image => image.PushedAt) : null);
        return new ManifestOffer(target.KeyOf(place), node.Digest)
        {
            Payload = node.Source!.Payload,
            MediaType = node.Source.MediaType.Length > 0 ? node.Source.MediaType : null,
            PushedMs = Ms(pushed),
            Tags = TagsOf(named),
        };
    }

    private static List<TagOffer> TagsOf(IEnumerable<SourceImage> images) => [.. images.Select(image => new TagOffer(image.Tag, Ms(image.PushedAt)))];

    // A file that was restored without its times says nothing.
    private static long? Ms(DateTimeOffset? time) => time?.ToUnixTimeMilliseconds() is > 0 and var ms ? ms : null;

    private static IEnumerable<List<ManifestOffer>> Batches(IEnumerable<ManifestOffer> offers)
    {
        var (batch, bytes) = (new List<ManifestOffer>(), 0);
        foreach (var offer in offers)
        {
            batch.Add(offer);
            bytes += offer.Payload?.Length ?? 0;
            if (batch.Count < MaxManifests && bytes < MaxPayloadBytes)
                continue;
            yield return batch;
            (batch, bytes) = ([], 0);
        }
        if (batch.Count > 0)
            yield return batch;
    }

    private void NoteDry(List<ClosureNode> whole, List<LinkedBlob> wanted, IReadOnlySet<Digest> present)
    {
        var missing = wanted.Where(blob => !present.Contains(blob.Digest)).ToList();
        report.Manifests += whole.Count;
        report.Copies += missing.Count;
        report.Bytes += missing.Sum(blob => blob.SizeBytes);
        report.Shared += wanted.Count - missing.Count;
    }

    private async Task<IReadOnlyList<SourceImage>> TellAsync(
        RepositoryName place, IReadOnlyList<SourceImage> images, ClosureFlaws flaws, IReadOnlyDictionary<Digest, ManifestReceipt> receipts, CancellationToken token)
    {
        var tags = options.IsDry
            ? await target.FindTagsAsync(place, [.. images.Where(image => !image.Tag.IsNone).Select(image => image.Tag)], token)
            : new Dictionary<Tag, Digest>();
        var done = new List<SourceImage>(images.Count);
        foreach (var image in images)
        {
            if (Judge(image, flaws, receipts) is { } finding)
                report.Add(finding);
            else
                done.Add(image);
            NoteTag(image, flaws, receipts, tags);
        }
        return done;
    }

    private void NoteTag(SourceImage image, ClosureFlaws flaws, IReadOnlyDictionary<Digest, ManifestReceipt> receipts, IReadOnlyDictionary<Tag, Digest> tags)
    {
        var isThere = flaws.IsThere(image.Digest);
        if (image.Tag.IsNone)
            report.AlreadyThere += isThere ? 1 : 0;
        else if (options.IsDry && flaws.IsWhole(image.Digest))
            _ = tags.GetValueOrDefault(image.Tag) == image.Digest ? report.AlreadyThere++ : report.Tags++;
        else if (isThere && receipts.TryGetValue(image.Digest, out var receipt) && receipt.Tags.Any(tag => tag.Tag == image.Tag && tag.Outcome == TagReceiptOutcome.Same))
            report.AlreadyThere++;
    }

    private static ImportFinding? Judge(SourceImage image, ClosureFlaws flaws, IReadOnlyDictionary<Digest, ManifestReceipt> receipts)
    {
        if (!flaws.IsWhole(image.Digest))
        {
            var kind = flaws.IsUnknown(image.Digest) ? ImportFindingKind.Unreadable : ImportFindingKind.NotWhole;
            return new ImportFinding(kind, image.Repository, image.Tag, image.Digest, flaws.Describe(image.Digest));
        }
        if (!receipts.TryGetValue(image.Digest, out var receipt))
            return null;
        if (receipt.Outcome != ManifestReceiptOutcome.Stored)
        {
            var missing = receipt.Missing is { Count: > 0 } digests ? $": {string.Join(", ", digests.Take(ImportFinding.MaxReasons))}" : "";
            return new ImportFinding(ImportFindingKind.NotWhole, image.Repository, image.Tag, image.Digest, [$"{receipt.Problem}{missing}"]);
        }
        var tag = receipt.Tags.FirstOrDefault(tag => tag.Tag == image.Tag);
        return tag is null || Explain(tag) is not { } why ? null : new ImportFinding(ImportFindingKind.TagKept, image.Repository, image.Tag, image.Digest, [why]);
    }

#pragma warning disable CS8524 // A forgotten named member doesn't compile; a default arm would hide it.
    private static string? Explain(TagReceipt tag) => tag.Outcome switch
    {
        TagReceiptOutcome.Put or TagReceiptOutcome.Same => null,
        TagReceiptOutcome.PushedHere => $"a client has pushed the tag here; it stays on {tag.Present} (--replace-tags moves it)",
        TagReceiptOutcome.Older => $"what the tag is on here is of later; it stays on {tag.Present} (--replace-tags moves it)",
        TagReceiptOutcome.Immutable => $"the tag is immutable here (retention.immutableTags); it stays on {tag.Present}",
    };
#pragma warning restore CS8524
}
