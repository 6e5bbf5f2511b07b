using System.Buffers;
using System.Text.Json;
using Holdfast.Oci;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Http;

/// <summary>A page of tags/list as it is sent.</summary>
/// <param name="Body">The list (dist-spec v1.1.1, end-8b).</param>
/// <param name="Next">Where the next page starts after; null if there is no other.</param>
internal sealed record TagsPage(byte[] Body, string? Next)
{
    // Most tags are shorter.
    private const int TagBytes = 24;

    /// <param name="page">The tags of one page, in order.</param>
    public static TagsPage Render(RepositoryName repository, NamePage page)
    {
        var body = new ArrayBufferWriter<byte>(256 + (TagBytes * page.Names.Count));
        using (var json = new Utf8JsonWriter(body, Answers.Json))
        {
            json.WriteStartObject();
            json.WriteString("name"u8, repository.ToString());
            json.WriteStartArray("tags"u8);
            foreach (var tag in page.Names)
                json.WriteStringValue(tag);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return new TagsPage(body.WrittenSpan.ToArray(), page.HasMore && page.Names.Count > 0 ? page.Names[^1] : null);
    }

    /// <param name="rows">How many a page was asked to have at most.</param>
    public Task SendAsync(RegistryRequest request, int rows)
    {
        if (Next is not null)
            NextPage.Link(request.Context.Response, $"/v2/{request.Route.Repository}/tags/list", rows, Next);
        return request.SendBytesAsync("application/json", Body);
    }
}
