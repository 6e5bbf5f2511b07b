using System.Buffers;
using System.Text.Json;
using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Tags;

/// <summary>The pages of tags/list as they are sent: remembered as long as the database would say the same.</summary>
internal sealed class TagsPages(MetadataDatabase metadata)
{
    private const long LimitBytes = 8L << 20;

    // The repository's name, the next page's, and the tables around them.
    private const long EntryBytes = 1_000;

    // Most tags are shorter.
    private const int TagBytes = 24;

    private readonly AnswerMemory<TagsQuery, TagsPage> _memory = new(
        metadata, Find, LimitBytes, static (query, page) => page.Body.Length + EntryBytes + (sizeof(char) * (query.Last?.Length ?? 0)));

    /// <returns>Null if there is no such repository.</returns>
    public ValueTask<TagsPage?> ReadAsync(TagsQuery query, CancellationToken cancellationToken) => _memory.FindAsync(query, cancellationToken);

    /// <param name="names">The tags of one page, in order.</param>
    public static TagsPage Render(RepositoryName repository, NamePage names)
    {
        var body = new ArrayBufferWriter<byte>(256 + (TagBytes * names.Names.Count));
        using (var json = new Utf8JsonWriter(body, Answers.Json))
        {
            json.WriteStartObject();
            json.WriteString("name"u8, repository.ToString());
            json.WriteStartArray("tags"u8);
            foreach (var tag in names.Names)
                json.WriteStringValue(tag);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return new TagsPage(body.WrittenSpan.ToArray(), names.HasMore && names.Names.Count > 0 ? names.Names[^1] : null);
    }

    private static TagsPage? Find(MetadataSession session, TagsQuery query) => Repositories.Exists(session, query.Repository)
        ? Render(query.Repository.Name, Storage.Metadata.Tags.List(session, query.Repository, query.Last, query.Rows))
        : null;
}

/// <param name="Last">The page begins after this name; null for the first page.</param>
/// <param name="Rows">At most.</param>
internal readonly record struct TagsQuery(RepositoryKey Repository, string? Last, int Rows);

/// <param name="Body">The list (dist-spec v1.1.1, end-8b).</param>
/// <param name="Next">Where the next page starts after; null if there is no other.</param>
internal sealed record TagsPage(byte[] Body, string? Next)
{
    /// <summary>Answers with this page of so many tags at most.</summary>
    public Task SendAsync(RegistryRequest request, int rows)
    {
        if (Next is not null)
            NextPage.Link(request.Context.Response, $"/v2/{request.Route.Repository}/tags/list", rows, Next);
        return request.SendBytesAsync("application/json", Body);
    }
}
