using Holdfast.Server.Http;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Tags;

/// <summary>The pages of tags/list as they are sent: remembered as long as the database would say the same.</summary>
internal sealed class TagsPages(MetadataDatabase metadata)
{
    private const long LimitBytes = 8L << 20;

    // The repository's name, the next page's, and the tables around them.
    private const long EntryBytes = 1_000;

    private readonly AnswerMemory<TagsQuery, TagsPage> _memory = new(
        metadata, Find, LimitBytes, static (query, page) => page.Body.Length + EntryBytes + (sizeof(char) * (query.Last?.Length ?? 0)));

    /// <returns>Null if there is no such repository.</returns>
    public ValueTask<TagsPage?> ReadAsync(TagsQuery query, CancellationToken cancellationToken) => _memory.FindAsync(query, cancellationToken);

    private static TagsPage? Find(MetadataSession session, TagsQuery query) => Repositories.Exists(session, query.Repository)
        ? TagsPage.Render(query.Repository.Name, Storage.Metadata.Tags.List(session, query.Repository, query.Last, query.Rows))
        : null;
}

/// <param name="Last">The page begins after this name; null for the first page.</param>
/// <param name="Rows">At most.</param>
internal readonly record struct TagsQuery(RepositoryKey Repository, string? Last, int Rows);
