using System.Buffers;
using System.Text.Json;
using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Referrers;

/// <summary>The pages of the referrers API as they are sent: remembered as long as the database would say the same.</summary>
internal sealed class ReferrersPages(MetadataDatabase metadata)
{
    // Descriptors carry all annotations of their manifests, so a page is bounded in both count and bytes: clients take it as a manifest,
    // and we hold it in memory (P10).
    public const int MaxRows = 1_000;
    private const int MaxPageBytes = Manifest.MaxSizeBytes / 2;

    private const long LimitBytes = 16L << 20;

    // The key's strings, and the tables around them.
    private const long EntryBytes = 1_000;

    // What a descriptor takes beside its annotations.
    private const int DescriptorBytes = 300;

    private static readonly ReferrersPage Empty = Render(new ReferrerPage([], HasMore: false));

    private readonly AnswerMemory<ReferrersQuery, ReferrersPage> _memory = new(metadata, Find, LimitBytes, static (_, page) => page.Body.Length + EntryBytes);

    public async ValueTask<ReferrersPage> ReadAsync(ReferrersQuery query, CancellationToken cancellationToken) =>
        await _memory.FindAsync(query, cancellationToken) ?? Empty;

    // Anyone can ask for any digest: an empty list isn't worth remembering.
    private static ReferrersPage? Find(MetadataSession session, ReferrersQuery query)
    {
        var page = Storage.Metadata.Referrers.List(
            session, query.Repository, query.Subject, query.ArtifactType, query.Last, new PageLimit(query.Rows, MaxPageBytes));
        return page.Referrers.Count == 0 ? null : Render(page);
    }

    private static ReferrersPage Render(ReferrerPage page)
    {
        var body = new ArrayBufferWriter<byte>(256 + page.Referrers.Sum(static row => DescriptorBytes + (row.AnnotationsJson?.Length ?? 0)));
        using (var json = new Utf8JsonWriter(body, Answers.Json))
        {
            json.WriteStartObject();
            json.WriteNumber("schemaVersion"u8, 2);
            json.WriteString("mediaType"u8, MediaTypes.OciIndex);
            json.WriteStartArray("manifests"u8);
            foreach (var referrer in page.Referrers)
                Write(json, referrer);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return new ReferrersPage(body.WrittenSpan.ToArray(), page.HasMore && page.Referrers.Count > 0 ? page.Referrers[^1].Digest : default);
    }

    private static void Write(Utf8JsonWriter json, ReferrerRow referrer)
    {
        json.WriteStartObject();
        json.WriteString("mediaType"u8, referrer.MediaType);
        json.WriteNumber("size"u8, referrer.SizeBytes);
        json.WriteString("digest"u8, referrer.Digest.ToString());
        if (referrer.ArtifactType is not null)
            json.WriteString("artifactType"u8, referrer.ArtifactType);
        if (referrer.AnnotationsJson is not null)
        {
            json.WritePropertyName("annotations"u8);
            json.WriteRawValue(referrer.AnnotationsJson);
        }
        json.WriteEndObject();
    }
}

/// <param name="ArtifactType">Only these; null for all.</param>
/// <param name="Last">The page begins after this digest; none for the first page.</param>
/// <param name="Rows">At most.</param>
internal readonly record struct ReferrersQuery(RepositoryKey Repository, Digest Subject, string? ArtifactType, Digest Last, int Rows);

/// <param name="Body">An image index (dist-spec v1.1.1, "Listing Referrers").</param>
/// <param name="Next">Where the next page starts after; none if there is no other.</param>
internal sealed record ReferrersPage(byte[] Body, Digest Next);
