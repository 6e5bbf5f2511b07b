using Holdfast.Oci;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Metadata;

namespace Holdfast.Storage.Acceptance;

/// <summary>Takes many blobs in at once, from files among the uploads, and links them: the promises of a push (P1), with fewer syncs and commits.</summary>
public static class BlobImport
{
    // One transaction; the pushes beside it wait for it.
    private const int MaxLinksPerChange = 250;

    /// <returns>Which of these need no bytes: they are there as the database knows them.</returns>
    /// <exception cref="IOException">Whether one is there is not known.</exception>
    public static async Task<IReadOnlySet<Digest>> FindPresentAsync(ContentStores stores, IReadOnlyCollection<LinkedBlob> blobs, CancellationToken cancellationToken)
    {
        var rows = await stores.Metadata.ReadAsync(
            blobs, static (db, blobs) => blobs.Select(blob => (blob, Row: BlobChecks.Find(db, blob.Digest))).ToList(), cancellationToken);
        var present = new HashSet<Digest>();
        foreach (var (blob, row) in rows)
        {
            if (row is { } known && await IsPresentAsync(stores, known, blob.SizeBytes, cancellationToken))
                present.Add(blob.Digest);
        }
        return present;
    }

    /// <summary>
    /// Stores those blobs that are not there and that came with bytes, and links all that are there then. What came and is not needed, or is wrong, is removed from the uploads.
    /// </summary>
    /// <param name="cancellationToken">Looked at only before the first is stored.</param>
    /// <exception cref="IOException">Of none is it known to be stored.</exception>
    public static async Task<BlobReceipts> AcceptAsync(
        ContentStores stores, IReadOnlyList<BlobOffer> offers, TimeProvider time, CancellationToken cancellationToken)
    {
        var receipts = new List<BlobReceipt>(offers.Count);
        var healed = new List<Incident>();
        var work = new BlobAcceptance(stores, time, receipts, healed);
        var busy = new List<BlobOffer>();
        var held = new List<(BlobOffer Offer, DigestLocks.Holder Holder)>(offers.Count);
        try
        {
            foreach (var offer in offers)
            {
                if (stores.Locks.TryEnter(offer.Digest) is { } holder)
                    held.Add((offer, holder));
                else
                    busy.Add(offer);
            }
            await work.AcceptAsync([.. held.Select(one => one.Offer)], cancellationToken);
        }
        finally
        {
            foreach (var (_, holder) in held)
                holder.Dispose();
        }
        // Somebody is at work on these, or they were offered twice. One after the other: whoever waits holds nothing.
        foreach (var offer in busy)
        {
            using var holder = await stores.Locks.EnterAsync(offer.Digest, cancellationToken);
            await work.AcceptAsync([offer], cancellationToken);
        }
        return new BlobReceipts(receipts, healed);
    }

    // As it was hashed, or as it was taken in without: in both cases the stamp says that nobody wrote to it since.
    private static async ValueTask<bool> IsPresentAsync(ContentStores stores, KnownBlob row, long sizeBytes, CancellationToken cancellationToken) =>
        row.Stamp != 0 && row.VerifiedAtMs >= 0 && row.SizeBytes == sizeBytes
        && await stores.Blobs.FindStatusAsync(row.Digest, cancellationToken) is { } status
        && status.SizeBytes == sizeBytes && status.Stamp == row.Stamp;

    private sealed class BlobAcceptance(ContentStores stores, TimeProvider time, List<BlobReceipt> receipts, List<Incident> healed)
    {
        public async Task AcceptAsync(IReadOnlyList<BlobOffer> offers, CancellationToken cancellationToken)
        {
            var rows = await stores.Metadata.ReadAsync(
                offers, static (db, offers) => offers.Select(offer => BlobChecks.Find(db, offer.Digest)).ToList(), cancellationToken);
            var links = new List<Link>(offers.Count);
            var wanted = new List<(BlobOffer Offer, WholeUpload Upload)>();
            for (var i = 0; i < offers.Count; i++)
            {
                var offer = offers[i];
                if (rows[i] is { } row && await IsPresentAsync(stores, row, offer.SizeBytes, cancellationToken))
                    links.Add(new Link(offer, null, IsHashed: false));
                else if (offer.Upload is { } upload)
                    // What takes the place of something that was lost or damaged is hashed in any case: it is to end the incident.
                    wanted.Add((offer, new WholeUpload(upload, offer.Digest, offer.SizeBytes, offer.IsTrusted && rows[i] is null)));
                else
                    receipts.Add(new BlobReceipt(offer.Digest, BlobReceiptOutcome.NeedsBytes, "it is not stored here, or not whole"));
            }
            await StoreAsync(wanted, links, cancellationToken);
            foreach (var needless in links.Where(link => link.Stored is null).Select(link => link.Offer.Upload).OfType<Guid>())
                await stores.Blobs.RemoveUploadAsync(needless, CancellationToken.None);
            // Offered together, so that they share a commit.
            await Task.WhenAll(links.Chunk(MaxLinksPerChange).Select(LinkAsync));
        }

        private async Task StoreAsync(List<(BlobOffer Offer, WholeUpload Upload)> wanted, List<Link> links, CancellationToken cancellationToken)
        {
            if (wanted.Count == 0)
                return;
            var adopted = await stores.Blobs.AdoptAsync([.. wanted.Select(one => one.Upload)], cancellationToken);
            for (var i = 0; i < wanted.Count; i++)
            {
                var (offer, one) = (wanted[i].Offer, adopted[i]);
                if (one.Outcome == AdoptionOutcome.Stored)
                    links.Add(new Link(offer, new StoredBlob(offer.Digest, offer.SizeBytes, one.Stamp), one is { IsHashed: true, Stamp: not 0 }));
                else
                {
                    receipts.Add(Refuse(offer.Digest, one));
                    await stores.Blobs.RemoveUploadAsync(wanted[i].Upload.Upload, CancellationToken.None);
                }
            }
        }

        private static BlobReceipt Refuse(Digest digest, AdoptedUpload adopted) => adopted.Outcome switch
        {
            AdoptionOutcome.Missing => new(digest, BlobReceiptOutcome.NeedsBytes, "its bytes are no longer among the uploads"),
            AdoptionOutcome.WrongSize => new(digest, BlobReceiptOutcome.WrongBytes, "there are more or fewer bytes than there should be"),
            AdoptionOutcome.DigestMismatch => new(digest, BlobReceiptOutcome.WrongBytes, "the bytes have another digest"),
            _ => new(digest, BlobReceiptOutcome.Unreadable, adopted.Problem),
        };

        private async Task LinkAsync(Link[] links)
        {
            var ended = await stores.Metadata.WriteAsync(
                (links, now: time.GetUtcNow().ToUnixTimeMilliseconds()), static (db, s) => Put(db, s.links, s.now), CancellationToken.None);
            lock (receipts)
            {
                receipts.AddRange(links.Select(link => new BlobReceipt(
                    link.Offer.Digest, link.Stored is null ? BlobReceiptOutcome.Linked : BlobReceiptOutcome.Stored)));
                healed.AddRange(ended);
            }
        }

        private static List<Incident> Put(MetadataSession db, Link[] links, long nowMs)
        {
            var healed = new List<Incident>();
            foreach (var (offer, stored, isHashed) in links)
            {
                var blobId = stored is not { } blob ? BlobRows.Find(db, offer.Digest)!.Value
                    : isHashed ? BlobRows.Ensure(db, blob, nowMs)
                    : BlobRows.EnsureTrusted(db, blob, nowMs);
                foreach (var repository in offer.Repositories)
                    BlobLinks.Add(db, repository, blobId, new LinkedBlob(offer.Digest, offer.SizeBytes), nowMs);
                if (offer.Repositories.Count == 0)
                    Reviews.QueueBlob(db, blobId, nowMs);
                if (isHashed)
                    healed.AddRange(Incidents.Heal(db, offer.Digest.ToString(), "import", nowMs));
            }
            return healed;
        }

        /// <param name="Stored">Null: it was there.</param>
        private readonly record struct Link(BlobOffer Offer, StoredBlob? Stored, bool IsHashed);
    }
}
