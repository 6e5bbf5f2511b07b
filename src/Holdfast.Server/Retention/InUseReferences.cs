using System.Diagnostics.CodeAnalysis;
using Holdfast.Oci;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Retention;

/// <summary>
/// The image references of <c>inUse</c> lists: <c>[host[:port]/]repository[:tag][@digest]</c>. The host doesn't matter, since one registry has many names; the repository must
/// be the whole path. With neither tag nor digest the whole repository is meant.
/// </summary>
internal sealed class InUseReferences
{
    public static readonly InUseReferences None = new();

    private readonly Dictionary<string, List<Entry>> _byRepository = new(StringComparer.Ordinal);

    /// <summary>Takes the lines of one list. Blank lines are passed over, and what follows a # at a line's start or behind a space.</summary>
    /// <param name="list">Where they come from, for people.</param>
    /// <returns>What is wrong with the first line that is no reference; null: nothing. One such line and the list says nothing.</returns>
    public string? Add(string list, string text)
    {
        var number = 0;
        foreach (var raw in text.AsSpan().TrimStart('\uFEFF').EnumerateLines())
        {
            number++;
            var line = WithoutComment(raw).Trim();
            if (line.IsEmpty)
                continue;
            if (!TryParse(line, out var repository, out var entry))
                return $"line {number} of {list} is no image reference (host/repository:tag or host/repository@digest): '{Shorten(line)}'";
            if (!_byRepository.TryGetValue(repository, out var entries))
                _byRepository.Add(repository, entries = []);
            entries.Add(entry with { Where = $"{list} line {number}" });
        }
        return null;
    }

    /// <returns>The list and line that name this root or something below it; null if none does.</returns>
    public string? Find(RepositoryName repository, RootRow root)
    {
        if (!_byRepository.TryGetValue(repository.ToString(), out var entries))
            return null;
        return entries.Find(entry => entry.Names(root))?.Where;
    }

    private static ReadOnlySpan<char> WithoutComment(ReadOnlySpan<char> line)
    {
        if (line.TrimStart().StartsWith("#"))
            return [];
        for (var i = 1; i < line.Length; i++)
        {
            if (line[i] == '#' && char.IsWhiteSpace(line[i - 1]))
                return line[..i];
        }
        return line;
    }

    private static bool TryParse(ReadOnlySpan<char> line, [NotNullWhen(true)] out string? repository, [NotNullWhen(true)] out Entry? entry)
    {
        (repository, entry) = (null, null);
        Digest digest = default;
        Tag tag = default;
        if (line.IndexOf('@') is var at and >= 0)
        {
            if (!Digest.TryParse(line[(at + 1)..], out digest))
                return false;
            line = line[..at];
        }
        // As clients read it: the first part is a host if it has a dot or a port, or is localhost.
        if (line.IndexOf('/') is var slash and > 0 && (line[..slash].ContainsAny('.', ':') || line[..slash] is "localhost"))
            line = line[(slash + 1)..];
        if (line.IndexOf(':') is var colon and >= 0)
        {
            if (!Tag.TryParse(line[(colon + 1)..], out tag))
                return false;
            line = line[..colon];
        }
        if (!RepositoryName.TryParse(line, out var name))
            return false;
        (repository, entry) = (name.ToString(), new Entry(tag.IsNone ? null : tag.ToString(), digest, ""));
        return true;
    }

    private static string Shorten(ReadOnlySpan<char> line) => line.Length <= 100 ? line.ToString() : $"{line[..100]}...";

    // What a client runs by tag and digest is the digest; where the tag points by now is what it gets at its next start.
    private sealed record Entry(string? Tag, Digest Digest, string Where)
    {
        public bool Names(RootRow root) =>
            (Tag is null && Digest.IsNone)
            || (Tag is not null && (root.Tags.Any(tag => tag.Name == Tag) || root.TagsBelow.Contains(Tag, StringComparer.Ordinal)))
            || (!Digest.IsNone && (root.Digest == Digest || root.Below.Contains(Digest)));
    }
}
