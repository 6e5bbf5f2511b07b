using Holdfast.Oci;

namespace Holdfast.Storage.Metadata;

/// <summary>Which rows of the trash are meant; what is null doesn't matter.</summary>
public sealed record TrashFilter
{
    public long? Id { get; init; }

    public string? Operation { get; init; }

    /// <summary>A retention run.</summary>
    public string? Run { get; init; }

    /// <summary>By its name.</summary>
    public string? Registry { get; init; }

    public RepositoryFilter Repositories { get; init; } = RepositoryFilter.All;

    public Tag? Tag { get; init; }

    /// <summary>A blob's or manifest's; of a tag, its manifest's.</summary>
    public Digest? Digest { get; init; }

    /// <summary>Deleted then or later.</summary>
    public long? SinceMs { get; init; }

    /// <summary>Deleted before.</summary>
    public long? UntilMs { get; init; }

    public DeletionCause? Cause { get; init; }

    /// <summary>Does it leave nothing out?</summary>
    public bool IsEverything => this == new TrashFilter();
}

/// <summary>One name, or all that begin alike: <c>team/app</c>, <c>team/*</c> (one more part), <c>team/**</c>.</summary>
public sealed record RepositoryFilter
{
    public static readonly RepositoryFilter All = new(RepositoryMatch.All, "");

    private RepositoryFilter(RepositoryMatch match, string text) => (Match, Text) = (match, text);

    internal RepositoryMatch Match { get; }

    /// <summary>The name, or its beginning.</summary>
    internal string Text { get; }

    /// <returns>Null if a wildcard stands anywhere but at the end, or what is there is no name.</returns>
    public static RepositoryFilter? Parse(string text)
    {
        var start = text.TrimEnd('*');
        if (start.Contains('*', StringComparison.Ordinal))
            return null;
        switch (text.Length - start.Length)
        {
            case 0:
                return RepositoryName.TryParse(text, out var name) ? new RepositoryFilter(RepositoryMatch.Name, name.ToString()) : null;
            case 1:
                return new RepositoryFilter(RepositoryMatch.Part, start);
            case 2:
                return start.Length == 0 ? All : new RepositoryFilter(RepositoryMatch.Depth, start);
            default:
                return null;
        }
    }
}

/// <summary>What a repository filter's text says; the query compares with these values.</summary>
internal enum RepositoryMatch
{
    All = 0,
    Name = 1,
    Part = 2,
    Depth = 3,
}

/// <summary>One deleted thing.</summary>
/// <param name="Registry">Its name.</param>
/// <param name="Tag">Of a tag, else null.</param>
/// <param name="Digest">The blob's or manifest's; of a tag, its manifest's.</param>
/// <param name="SizeBytes">Of all that it needs.</param>
public sealed record TrashItem(
    long Id, TrashKind Kind, string Registry, RepositoryKey Repository, Tag? Tag, Digest Digest, long SizeBytes, long DeletedAtMs, Deletion Deletion);

public sealed record TrashPage(IReadOnlyList<TrashItem> Items, bool HasMore);

/// <param name="Bytes">What nothing live needs.</param>
public readonly record struct TrashFigures(long Items, long Bytes);
