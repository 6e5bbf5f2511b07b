using Holdfast.Oci;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Journal;
using Holdfast.Storage.Metadata;

namespace Holdfast.Storage.Acceptance;

/// <summary>
/// Takes many manifests in, children before the indexes over them: each closure is checked (P2), the bytes are stored side by side, then edges and tags are written in one
/// transaction for many (P1).
/// </summary>
public static class ManifestImport
{
    // One transaction; the pushes beside it wait for it.
    private const int MaxPerChange = 50;

    /// <summary>Stores what is whole, in the order given, and nothing of what is not.</summary>
    /// <param name="cancellationToken">Looked at only before the first is stored.</param>
    /// <exception cref="IOException">Of none is it known to be stored.</exception>
    public static async Task<ManifestReceipts> AcceptAsync(
        ContentStores stores, IReadOnlyList<ManifestOffer> offers, ImportTerms terms, ImportSurroundings with, CancellationToken cancellationToken)
    {
        var work = new ManifestAcceptance(stores, terms, with);
        var held = new Dictionary<Digest, DigestLocks.Holder>();
        var isAlone = true;
        try
        {
            foreach (var digest in offers.Select(offer => offer.Digest).Distinct())
            {
                if (stores.Locks.TryEnter(digest) is { } holder)
                    held.Add(digest, holder);
                else
                    isAlone = false;
            }
            if (isAlone)
                await work.AcceptAsync(offers, cancellationToken);
        }
        finally
        {
            foreach (var holder in held.Values)
                holder.Dispose();
        }
        // Somebody is at work on one of them: one after the other, in their order, and whoever waits holds nothing.
        foreach (var offer in isAlone ? [] : offers)
        {
            using var holder = await stores.Locks.EnterAsync(offer.Digest, cancellationToken);
            await work.AcceptAsync([offer], cancellationToken);
        }
        return work.Receipts;
    }

    private sealed class ManifestAcceptance(ContentStores stores, ImportTerms terms, ImportSurroundings with)
    {
        private readonly List<ManifestReceipt> _receipts = [];
        private readonly List<Incident> _healed = [];

        public ManifestReceipts Receipts => new(_receipts, _healed);

        public async Task AcceptAsync(IReadOnlyList<ManifestOffer> offers, CancellationToken cancellationToken)
        {
            var puts = await CheckAsync(offers, cancellationToken);
            await StoreAsync(puts);
            foreach (var chunk in puts.Chunk(MaxPerChange))
            {
                var (receipts, healed) = await stores.Metadata.WriteAsync(
                    (chunk, terms, now: with.Time.GetUtcNow().ToUnixTimeMilliseconds()), static (db, s) => Put(db, s.chunk, s.terms, s.now), CancellationToken.None);
                _receipts.AddRange(receipts);
                _healed.AddRange(healed);
            }
            await RemoveUnusedAsync(puts);
        }

        // In their order: what an index lists may come with it, and is only known here.
        private async Task<List<Wanted>> CheckAsync(IReadOnlyList<ManifestOffer> offers, CancellationToken cancellationToken)
        {
            var wanted = new List<Wanted>(offers.Count);
            var coming = new Dictionary<(RepositoryKey, Digest), long>();
            var there = new Dictionary<LinkedBlob, bool>();
            foreach (var offer in offers)
            {
                var (put, problem) = await ReadAsync(offer, cancellationToken);
                if (put is null)
                {
                    _receipts.Add(problem!);
                    continue;
                }
                var missing = await FindMissingAsync(put, coming, there, cancellationToken);
                if (missing.Count > 0)
                {
                    _receipts.Add(NotWhole(offer, missing));
                    continue;
                }
                coming[(offer.Repository, offer.Digest)] = put.Payload.Length;
                wanted.Add(new Wanted(offer, put));
            }
            return wanted;
        }

        private async Task<(ManifestPut? Put, ManifestReceipt? Problem)> ReadAsync(ManifestOffer offer, CancellationToken cancellationToken)
        {
            var (repository, digest) = (offer.Repository, offer.Digest);
            var (payload, mediaType) = (offer.Payload, offer.MediaType);
            if (payload is null)
            {
                var (stored, bytes) = await stores.Metadata.ReadAsync(
                    (repository, digest), static (db, s) => (Manifests.Find(db, s.repository, s.digest), Manifests.ReadPayload(db, s.digest)), cancellationToken);
                if (stored is null or { IsLost: true } || bytes is null)
                    return (null, new ManifestReceipt(repository, digest, ManifestReceiptOutcome.NeedsBytes, [], "it is not stored here, or not whole"));
                (payload, mediaType) = (bytes, stored.MediaType);
            }
            if (payload.Value.Length > Manifest.MaxSizeBytes)
                return (null, Refused($"it has {payload.Value.Length} bytes, more than the {Manifest.MaxSizeBytes} that a manifest may have"));
            if (Digest.Compute(digest.Algorithm, payload.Value.Span) != digest)
                return (null, Refused("its bytes have another digest"));
            if (!ManifestParser.TryParse(payload.Value, mediaType, out var manifest, out var problem))
                return (null, Refused(problem));
            return (new ManifestPut(repository, digest, payload.Value, manifest, []) { PushedMs = offer.PushedMs }, null);

            ManifestReceipt Refused(string why) => new(repository, digest, ManifestReceiptOutcome.Refused, [], why);
        }

        private async Task<IReadOnlyList<Digest>> FindMissingAsync(
            ManifestPut put, Dictionary<(RepositoryKey, Digest), long> coming, Dictionary<LinkedBlob, bool> there, CancellationToken cancellationToken)
        {
            var (linked, blobs, wrong) = await stores.Metadata.ReadAsync((put, coming), static (db, s) => List(db, s.put, s.coming), cancellationToken);
            if (linked.Count > 0)
                return linked;
            // The database knows what is linked; only the blob store knows whether the bytes are really there.
            var missing = new List<Digest>();
            foreach (var blob in blobs)
            {
                if (!there.TryGetValue(blob, out var isThere))
                    there[blob] = isThere = !wrong.Contains(blob) && (await stores.Blobs.FindStatusAsync(blob.Digest, cancellationToken))?.SizeBytes == blob.SizeBytes;
                if (!isThere)
                    missing.Add(blob.Digest);
            }
            return missing;
        }

        private static (IReadOnlyList<Digest> Missing, IReadOnlyCollection<LinkedBlob> Blobs, IReadOnlySet<LinkedBlob> Wrong) List(
            MetadataSession db, ManifestPut put, Dictionary<(RepositoryKey, Digest), long> coming)
        {
            var closure = Manifests.CheckClosure(db, put.Repository, put.Manifest);
            var children = put.Manifest.Children.Select(child => child.Digest).ToHashSet();
            bool Comes(Descriptor edge) => children.Contains(edge.Digest) && coming.GetValueOrDefault((put.Repository, edge.Digest), -1) == edge.SizeBytes;
            var missing = closure.Missing.Where(edge => !Comes(edge)).Select(edge => edge.Digest)
                .Concat(closure.Mismatched.Where(edge => !Comes(edge.Stated)).Select(edge => edge.Stated.Digest)).ToList();
            if (missing.Count > 0)
                return (missing, [], new HashSet<LinkedBlob>());
            // What comes with it was looked at when it was its turn.
            var known = put.Manifest.Children.Where(child => !Comes(child)).ToList();
            var below = new Manifest { MediaType = put.Manifest.MediaType, Config = put.Manifest.Config, Layers = put.Manifest.Layers, Children = known };
            var blobs = ClosureBlobs.List(db, put.Repository, below);
            return ([], blobs, BlobChecks.FindKnownWrong(db, blobs));
        }

        private static ManifestReceipt NotWhole(ManifestOffer offer, IReadOnlyList<Digest> missing) => new(
            offer.Repository, offer.Digest, ManifestReceiptOutcome.NotWhole, [], "not all that it refers to is here in the stated size", missing);

        // Each bytes once, though several repositories are to have them; and all made to last together.
        private async Task StoreAsync(List<Wanted> puts)
        {
            var bytes = puts.GroupBy(put => put.Put.Digest).ToList();
            var uploads = bytes.ConvertAll(same => new WholeUpload(with.NewUpload(), same.Key, same.First().Put.Payload.Length, IsTrusted: false));
            if (uploads.Count == 0)
                return;
            try
            {
                for (var i = 0; i < uploads.Count; i++)
                {
                    await using var writer = await stores.Blobs.OpenUploadAsync(uploads[i].Upload, uploads[i].Digest.Algorithm, CancellationToken.None);
                    await writer.AppendAsync(bytes[i].First().Put.Payload, CancellationToken.None);
                }
                var adopted = await stores.Blobs.AdoptAsync(uploads, CancellationToken.None);
                for (var i = 0; i < uploads.Count; i++)
                {
                    if (adopted[i].Outcome != AdoptionOutcome.Stored)
                        throw new IOException($"the bytes of manifest {uploads[i].Digest} could not be stored: {adopted[i].Problem ?? "they changed meanwhile"}");
                    foreach (var wanted in bytes[i])
                        wanted.Put = wanted.Put with { Stamp = adopted[i].Stamp };
                }
            }
            catch
            {
                foreach (var upload in uploads)
                    await stores.Blobs.RemoveUploadAsync(upload.Upload, CancellationToken.None);
                throw;
            }
        }

        private static (List<ManifestReceipt> Receipts, List<Incident> Healed) Put(MetadataSession db, Wanted[] puts, ImportTerms terms, long nowMs)
        {
            var (receipts, healed) = (new List<ManifestReceipt>(puts.Length), new List<Incident>());
            foreach (var wanted in puts)
            {
                var offer = wanted.Offer;
                // Of one that is there and gets a tag, nothing new is known of when it was pushed.
                var known = offer.Payload is null ? Manifests.FindPushedAt(db, offer.Repository, offer.Digest) : null;
                var put = wanted.Put with { PushedMs = offer.PushedMs ?? known ?? nowMs };
                // Again, inside the transaction: what was there may have been deleted since.
                var closure = Manifests.Put(db, put, nowMs);
                if (!closure.IsWhole)
                {
                    receipts.Add(NotWhole(offer, [.. closure.Missing.Select(edge => edge.Digest).Concat(closure.Mismatched.Select(edge => edge.Stated.Digest))]));
                    continue;
                }
                wanted.IsStored = true;
                healed.AddRange(Incidents.Heal(db, put.Digest.ToString(), "import", nowMs));
                LostManifests.Recover(db, put.Digest, put.Payload, nowMs);
                receipts.Add(new ManifestReceipt(offer.Repository, offer.Digest, ManifestReceiptOutcome.Stored, ImportTags.Put(db, offer, terms, nowMs)));
            }
            return (receipts, healed);
        }

        // Of those that were refused at the last moment, nothing stays.
        private async Task RemoveUnusedAsync(List<Wanted> puts)
        {
            var refused = puts.Where(put => !put.IsStored).Select(put => put.Put.Digest).ToList();
            if (refused.Count == 0)
                return;
            var unknown = await stores.Metadata.ReadAsync(
                refused, static (db, refused) => refused.Where(digest => !BlobChecks.Exists(db, digest)).ToList(), CancellationToken.None);
            if (unknown.Count > 0)
                await stores.Blobs.RemoveAsync(unknown, CancellationToken.None);
        }

        private sealed class Wanted(ManifestOffer offer, ManifestPut put)
        {
            public ManifestOffer Offer => offer;

            public ManifestPut Put { get; set; } = put;

            public bool IsStored { get; set; }
        }
    }
}

/// <param name="Time">The store's.</param>
/// <param name="NewUpload">Gives an unused id for bytes on their way.</param>
public sealed record ImportSurroundings(TimeProvider Time, Func<Guid> NewUpload);
