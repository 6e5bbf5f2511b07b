using System.Text;
using Holdfast.Doctor.Import;
using Holdfast.Doctor.Sources;
using Holdfast.Oci;
using Holdfast.Server.Import;
using Holdfast.Storage.Acceptance;
using Holdfast.Storage.Metadata;

namespace Holdfast.Commands;

/// <summary>
/// A running server as the target of an import: asked through the socket in its data folder, files are brought into that folder's uploads by this process; asked over the network, it gets bytes.
/// </summary>
/// <param name="registry">Its name; null: the only one.</param>
internal sealed class ServerTarget(AdminConnection connection, string name, string? registry, ServerTargetTerms terms) : ImportTarget
{
    // A batch with large files is hashed before it is answered.
    private static readonly TimeSpan Patience = TimeSpan.FromHours(1);

    public override string Name => name;

    public override FileStaging? Staging => terms.Staging;

    public override RepositoryKey KeyOf(RepositoryName repository) => new(0, repository);

    /// <summary>Asks whether there is such a registry, before the source is read.</summary>
    /// <exception cref="AdminFault">There isn't.</exception>
    public async Task<string> BeginAsync(CancellationToken token) => (await LookAsync(new ImportQuestion(registry), token)).Registry;

    public override async Task<IReadOnlySet<Digest>> FindManifestsAsync(RepositoryName repository, IReadOnlyList<Digest> manifests, CancellationToken token) =>
        manifests.Count == 0 ? new HashSet<Digest>() : Digests((await LookAsync(new ImportQuestion(registry, repository.ToString(), Texts(manifests)), token)).Manifests);

    public override async Task<IReadOnlyDictionary<Tag, Digest>> FindTagsAsync(RepositoryName repository, IReadOnlyList<Tag> tags, CancellationToken token)
    {
        if (tags.Count == 0)
            return new Dictionary<Tag, Digest>();
        var question = new ImportQuestion(registry, repository.ToString(), Tags: [.. tags.Select(tag => tag.ToString())]);
        return (await LookAsync(question, token)).Tags.ToDictionary(tag => Tag.Parse(tag.Key), tag => Digest.Parse(tag.Value));
    }

    public override async Task<IReadOnlySet<Digest>> FindPresentAsync(IReadOnlyCollection<LinkedBlob> blobs, CancellationToken token)
    {
        var present = new HashSet<Digest>();
        foreach (var some in blobs.Chunk(5000))
        {
            var question = new ImportQuestion(registry, Blobs: [.. some.Select(blob => new ImportContent(blob.Digest.ToString(), blob.SizeBytes))]);
            present.UnionWith(Digests((await LookAsync(question, token)).Blobs));
        }
        return present;
    }

    public override async Task<IReadOnlyList<BlobReceipt>> AcceptAsync(IReadOnlyList<BlobOffer> offers, CancellationToken token)
    {
        var body = new ImportBlobs(
            [.. offers.Select(offer => new ImportBlob(
                offer.Digest.ToString(), offer.SizeBytes, [.. offer.Repositories.Select(repository => repository.Name.ToString())], offer.Upload?.ToString("D"), offer.IsTrusted))],
            registry);
        var answer = await connection.PostAsync<ImportBlobsResult>("/api/v1/import/blobs", body, Patience, token);
        return [.. answer.Blobs.Select(Receipt)];
    }

    public override async Task<BlobReceipt> StoreAsync(RepositoryName repository, LinkedBlob blob, Stream content, CancellationToken token)
    {
        await using var watched = new SourceStream(content, blob.SizeBytes);
        var path = new StringBuilder($"/api/v1/import/blobs/{Uri.EscapeDataString(blob.Digest.ToString())}?repository={Uri.EscapeDataString(repository.ToString())}");
        if (registry is not null)
            path.Append("&registry=").Append(Uri.EscapeDataString(registry));
        try
        {
            return Receipt(await connection.PutAsync<ImportBlobResult>(path.ToString(), watched, blob.SizeBytes, token));
        }
        catch (Exception) when (watched.Fault is not null)
        {
            // What the connection says then is only that the body broke off.
            throw watched.Fault;
        }
    }

    public override async Task<IReadOnlyList<ManifestReceipt>> AcceptAsync(IReadOnlyList<ManifestOffer> offers, CancellationToken token)
    {
        var body = new ImportManifests(
            [.. offers.Select(offer => new ImportManifest(
                offer.Repository.Name.ToString(), offer.Digest.ToString(), offer.Payload?.ToArray(), offer.MediaType, At(offer.PushedMs),
                [.. offer.Tags.Select(tag => new ImportTag(tag.Tag.ToString(), At(tag.PushedMs)))]))],
            registry, terms.ReplacesTags);
        var answer = await connection.PostAsync<ImportManifestsResult>("/api/v1/import/manifests", body, Patience, token);
        return [.. answer.Manifests.Select(Receipt)];
    }

    private Task<ImportKnown> LookAsync(ImportQuestion question, CancellationToken token) =>
        connection.PostAsync<ImportKnown>("/api/v1/import/look", question, Patience, token);

    private static BlobReceipt Receipt(ImportBlobResult result) => new(Digest.Parse(result.Digest), result.Outcome, result.Problem);

    private static ManifestReceipt Receipt(ImportManifestResult result) => new(
        new RepositoryKey(0, RepositoryName.Parse(result.Repository)), Digest.Parse(result.Digest), result.Outcome,
        [.. result.Tags.Select(tag => new TagReceipt(Tag.Parse(tag.Tag), tag.Outcome, tag.Present is null ? null : Digest.Parse(tag.Present)))],
        result.Problem, [.. result.Missing.Select(Digest.Parse)]);

    private static DateTimeOffset? At(long? ms) => ms is { } value ? DateTimeOffset.FromUnixTimeMilliseconds(value) : null;

    private static List<string> Texts(IEnumerable<Digest> digests) => [.. digests.Select(digest => digest.ToString())];

    private static HashSet<Digest> Digests(IEnumerable<string> texts) => [.. texts.Select(Digest.Parse)];
}

/// <param name="Staging">Over the data folder's uploads/, as this process sees it; null: it doesn't.</param>
/// <param name="ReplacesTags">See <see cref="ImportTerms"/>.</param>
internal sealed record ServerTargetTerms(FileStaging? Staging, bool ReplacesTags);

/// <summary>A source's bytes on their way into a request: so many, and what went wrong with reading them is remembered.</summary>
internal sealed class SourceStream(Stream inner, long sizeBytes) : Stream
{
    private long _read;

    public SourceException? Fault { get; private set; }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => _read;
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            var read = await inner.ReadAsync(buffer[..(int)Math.Min(buffer.Length, sizeBytes - _read)], cancellationToken);
            if (read == 0 && _read < sizeBytes && buffer.Length > 0)
                throw new SourceException($"there are {_read} bytes instead of {sizeBytes}") { IsWrongBytes = true };
            _read += read;
            return read;
        }
        catch (IOException e)
        {
            Fault = e as SourceException ?? new SourceException(e.Message, e);
            throw Fault;
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("a source is read asynchronously");

    public override void Flush()
    {
        // There is nothing to write.
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
