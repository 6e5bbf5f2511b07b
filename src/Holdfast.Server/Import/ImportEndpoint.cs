using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Storage.Acceptance;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Import;

/// <summary>
/// <c>POST /api/v1/import/look</c>, <c>POST /api/v1/import/blobs</c>, <c>PUT /api/v1/import/blobs/{digest}</c>, <c>POST /api/v1/import/manifests</c>: what <c>holdfast import</c> asks
/// for, beside all traffic (P5). The files behind uploads are brought by whoever may write into the data folder.
/// </summary>
internal sealed class ImportEndpoint(ImportRoom room)
{
    private const int MaxBodyBytes = 16 << 20;
    private const int MaxBlobs = 5000;
    private const int MaxManifests = 500;

    public async Task LookAsync(AdminRequest request)
    {
        var asked = await request.ReadJsonAsync<ImportQuestion>(MaxBodyBytes);
        var registry = room.Find(asked.Registry);
        var manifests = Parse(asked.Manifests, ParseDigest);
        var tags = Parse(asked.Tags, ParseTag);
        if (asked.Repository is null && manifests.Count + tags.Count > 0)
            throw Invalid("manifests and tags are of a repository: name it");
        var known = asked.Repository is null
            ? ((IReadOnlyList<Digest>)[], (IReadOnlyDictionary<Tag, Digest>)new Dictionary<Tag, Digest>())
            : await room.Stores.Metadata.ReadAsync(
                (Key: KeyOf(registry, asked.Repository), manifests, tags),
                static (db, s) => (ImportState.FindManifests(db, s.Key, s.manifests), ImportState.FindTags(db, s.Key, s.tags)),
                request.Aborted);
        var blobs = Given(asked.Blobs, "blobs").Select(blob => new LinkedBlob(ParseDigest(blob.Digest), blob.SizeBytes)).ToList();
        var present = await BlobImport.FindPresentAsync(room.Stores, blobs, request.Aborted);
        await request.AnswerAsync(new ImportKnown(
            registry.Name, Texts(known.Item1), known.Item2.ToDictionary(tag => tag.Key.ToString(), tag => tag.Value.ToString(), StringComparer.Ordinal), Texts(present)));
    }

    public async Task AcceptBlobsAsync(AdminRequest request)
    {
        var asked = await request.ReadJsonAsync<ImportBlobs>(MaxBodyBytes);
        var registry = room.Find(asked.Registry);
        if (asked.Blobs.Count > MaxBlobs)
            throw Invalid($"at most {MaxBlobs} blobs at a time");
        var offers = Given(asked.Blobs, "blobs").Select(blob => new BlobOffer(ParseDigest(blob.Digest), blob.SizeBytes, [.. blob.Repositories.Select(name => KeyOf(registry, name))])
        {
            Upload = blob.Upload is null ? null : ParseUpload(blob.Upload),
            IsTrusted = blob.Trusted,
        }).ToList();
        RefuseSessions(offers);
        // Files that were linked take no room; those that were copied beside the server have taken it by now.
        if (await room.Reserve.IsShortAsync(0, request.Aborted))
            throw room.Full();
        var receipts = await BlobImport.AcceptAsync(room.Stores, offers, room.Time, request.Aborted);
        room.Incidents.Note(receipts.Healed);
        await request.AnswerAsync(new ImportBlobsResult([.. receipts.Blobs.Select(Result)]));
    }

    public async Task StoreBlobAsync(AdminRequest request)
    {
        var registry = room.Find(request.Query("registry"));
        var digest = ParseDigest(request.Value("digest"));
        var key = KeyOf(registry, request.Query("repository") ?? throw Invalid("the parameter repository is missing"));
        if (await room.Reserve.IsShortAsync(request.Context.Request.ContentLength ?? 0, request.Aborted))
            throw room.Full();
        var upload = room.NewUpload();
        var isAccepted = false;
        try
        {
            await using var writer = await room.Stores.Blobs.OpenUploadAsync(upload, digest.Algorithm, request.Aborted);
            await ReceiveAsync(request, writer);
            var result = await BlobPush.TryAcceptAsync(room.Stores, key, writer, digest, room.Time);
            isAccepted = result is not null;
            room.Incidents.Note(result?.Healed ?? []);
        }
        finally
        {
            if (!isAccepted)
                await room.Stores.Blobs.RemoveUploadAsync(upload, CancellationToken.None);
        }
        await request.AnswerAsync(isAccepted
            ? new ImportBlobResult(digest.ToString(), BlobReceiptOutcome.Stored, null)
            : new ImportBlobResult(digest.ToString(), BlobReceiptOutcome.WrongBytes, "the bytes have another digest"));
    }

    public async Task AcceptManifestsAsync(AdminRequest request)
    {
        var asked = await request.ReadJsonAsync<ImportManifests>(MaxBodyBytes);
        var registry = room.Find(asked.Registry);
        if (asked.Manifests.Count > MaxManifests)
            throw Invalid($"at most {MaxManifests} manifests at a time");
        if (await room.Reserve.IsShortAsync(Given(asked.Manifests, "manifests").Sum(manifest => manifest.Payload?.Length ?? 0L), request.Aborted))
            throw room.Full();
        var offers = asked.Manifests.Select(manifest => new ManifestOffer(KeyOf(registry, manifest.Repository), ParseDigest(manifest.Digest))
        {
            Payload = manifest.Payload is null ? null : (ReadOnlyMemory<byte>?)manifest.Payload,
            MediaType = manifest.MediaType,
            PushedMs = manifest.PushedAt?.ToUnixTimeMilliseconds(),
            Tags = [.. Given(manifest.Tags, "tags").Select(tag => new TagOffer(ParseTag(tag.Tag), tag.PushedAt?.ToUnixTimeMilliseconds()))],
        }).ToList();
        var terms = new ImportTerms(asked.ReplaceTags, room.ImmutableTags);
        var receipts = await ManifestImport.AcceptAsync(room.Stores, offers, terms, new ImportSurroundings(room.Time, room.NewUpload), request.Aborted);
        room.Incidents.Note(receipts.Healed);
        await request.AnswerAsync(new ImportManifestsResult([.. receipts.Manifests.Select(Result)]));
    }

    // A client is still writing to that file, and would write on into the blob.
    private void RefuseSessions(IReadOnlyList<BlobOffer> offers)
    {
        if (offers.FirstOrDefault(offer => offer.Upload is { } upload && room.IsPushed(upload)) is { } pushed)
            throw Invalid($"the upload {pushed.Upload:D} is a client's that pushes");
    }

    private async Task ReceiveAsync(AdminRequest request, BlobWriter writer)
    {
        // The source may be slow, or make pauses; whoever administers is believed to mean that.
        request.AllowPauses();
        var buffer = AlignedBuffer.TryRent();
        var memory = buffer?.Memory ?? new byte[64 * 1024];
        try
        {
            for (int filled; (filled = await request.FillAsync(memory)) > 0;)
            {
                if (!await room.Reserve.TryTakeAsync(filled, request.Aborted))
                    throw room.Full();
                await writer.AppendAsync(memory[..filled], CancellationToken.None);
            }
        }
        finally
        {
            buffer?.Return();
        }
    }

    private static ImportBlobResult Result(BlobReceipt receipt) => new(receipt.Digest.ToString(), receipt.Outcome, receipt.Problem);

    private static ImportManifestResult Result(ManifestReceipt receipt) => new(
        receipt.Repository.Name.ToString(), receipt.Digest.ToString(), receipt.Outcome, receipt.Problem, Texts(receipt.Missing ?? []),
        [.. receipt.Tags.Select(tag => new ImportTagResult(tag.Tag.ToString(), tag.Outcome, tag.Present?.ToString()))]);

    private static List<string> Texts(IEnumerable<Digest> digests) => [.. digests.Select(digest => digest.ToString())];

    // JSON may say null in a list where the contract knows none.
    private static IReadOnlyList<T> Given<T>(IReadOnlyList<T>? items, string name)
        where T : class =>
        items is null ? [] : items.Contains(null) ? throw Invalid($"{name}: null is none of them") : items;

    private static List<T> Parse<T>(IReadOnlyList<string>? texts, Func<string, T> parse) => [.. (texts ?? []).Select(parse)];

    private static RepositoryKey KeyOf(Registry registry, string name) => RepositoryName.TryParse(name, out var parsed)
        ? new RepositoryKey(registry.Id, parsed)
        : throw Invalid($"'{name}' is not the name of a repository");

    private static Digest ParseDigest(string text) => Digest.TryParse(text, out var digest) ? digest : throw Invalid($"'{text}' is not a digest");

    private static Tag ParseTag(string text) => Tag.TryParse(text, out var tag) ? tag : throw Invalid($"'{text}' is not a tag");

    private static Guid ParseUpload(string text) => Guid.TryParseExact(text, "D", out var upload) ? upload : throw Invalid($"'{text}' is not an upload's id");

    private static AdminException Invalid(string message) => new(Outcome.AdminInvalid, message);
}
