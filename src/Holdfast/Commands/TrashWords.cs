using System.Globalization;
using System.Text;
using Holdfast.Server.Trash;
using Holdfast.Storage.Metadata;

namespace Holdfast.Commands;

/// <summary>What the trash's commands say of things, and how things are named.</summary>
internal static class TrashWords
{
    // Enough to tell things apart, as other tools show; the whole stands in the JSON.
    private const int ShownDigest = 19;

    /// <summary>team/app:v1, team/app@sha256:… or blob team/app@sha256:….</summary>
    public static string Name(TrashKind kind, string repository, string? tag, string digest) =>
        tag is not null ? $"{repository}:{tag}" : $"{(kind == TrashKind.Link ? "blob " : "")}{repository}@{digest}";

    public static string Short(string digest) => digest.Length <= ShownDigest ? digest : digest[..ShownDigest];

    public static string Time(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);

    public static string Word(DeletionCause cause) => cause switch
    {
        DeletionCause.Client => "client",
        DeletionCause.Retention => "retention",
        DeletionCause.Collection => "collection",
        _ => "unknown",
    };

    /// <summary>Columns side by side, each as wide as its widest; the first is set to the right.</summary>
    public static void AppendTable(StringBuilder text, IReadOnlyList<string[]> rows)
    {
        var widths = Enumerable.Range(0, rows[0].Length).Select(column => rows.Max(row => row[column].Length)).ToArray();
        foreach (var row in rows)
        {
            var line = row.Select((cell, column) => column == 0 ? cell.PadLeft(widths[0]) : cell.PadRight(widths[column]));
            text.AppendLine(string.Join("  ", line).TrimEnd());
        }
    }

    /// <summary>Reads what an argument names.</summary>
    /// <exception cref="AdminFault">It is none of these.</exception>
    public static TrashSelection Parse(string thing, TrashSelection others)
    {
        if (thing.IndexOf('@', StringComparison.Ordinal) is > 0 and var at)
            return others with { Repository = thing[..at], Digest = thing[(at + 1)..] };
        if (thing.LastIndexOf(':') is > 0 and var colon)
            return others with { Repository = thing[..colon], Tag = thing[(colon + 1)..] };
        if (thing.Contains('/', StringComparison.Ordinal) || thing.Length == 0)
            throw new AdminFault($"'{thing}' is no ID, OPERATION, REPOSITORY:TAG or REPOSITORY@DIGEST; all of a repository is --repository {thing}");
        // An operation that happens to be digits only is longer than any id.
        return thing.Length < 12 && long.TryParse(thing, NumberStyles.None, CultureInfo.InvariantCulture, out var id)
            ? others with { Id = id }
            : others with { Operation = thing };
    }
}
