using System.CommandLine;
using Holdfast.Server.Trash;
using Holdfast.Storage.Metadata;

namespace Holdfast.Commands;

/// <summary>The options that say which deleted things are meant.</summary>
internal static class TrashSelectionOptions
{
    private static readonly Option<string?> Registry = new("--registry") { Description = "Of this registry.", HelpName = "name" };
    private static readonly Option<string?> Repository = new("--repository") { Description = "Of this repository, or of all that match: team/*, team/**.", HelpName = "name" };
    private static readonly Option<string?> Tag = new("--tag") { Description = "Only this tag.", HelpName = "tag" };
    private static readonly Option<string?> Digest = new("--digest") { Description = "Only this manifest or blob, and tags that pointed at it.", HelpName = "digest" };
    private static readonly Option<string?> Since = new("--since") { Description = "Deleted then or later: 2h, 3d, or a time like 2026-11-20T10:00 (UTC).", HelpName = "when" };
    private static readonly Option<string?> Until = new("--until") { Description = "Deleted before: as --since.", HelpName = "when" };
    private static readonly Option<string?> Run = new("--run") { Description = "Deleted by this retention run.", HelpName = "id" };
    private static readonly Option<string?> Cause = new("--cause") { Description = "Deleted for this cause: client, retention or collection.", HelpName = "cause" };
    private static readonly Option<string?> Operation = new("--operation") { Description = "All that one delete took.", HelpName = "id" };

    public static void AddTo(Command command)
    {
        foreach (var option in (ReadOnlySpan<Option>)[Registry, Repository, Tag, Digest, Since, Until, Run, Cause, Operation])
            command.Add(option);
    }

    /// <param name="thing">What was named on the command line; null: nothing, and the options alone say what is meant.</param>
    public static TrashSelection Read(ParseResult parsed, string? thing)
    {
        var selection = Read(parsed);
        if (thing is null)
            return selection;
        if (selection != new TrashSelection { Registry = selection.Registry })
            throw new AdminFault("name one thing, or say by options which are meant, not both (--registry goes with either)");
        return TrashWords.Parse(thing, selection);
    }

    public static TrashSelection Read(ParseResult parsed) => new()
    {
        Registry = parsed.GetValue(Registry),
        Repository = parsed.GetValue(Repository),
        Tag = parsed.GetValue(Tag),
        Digest = parsed.GetValue(Digest),
        Since = parsed.GetValue(Since),
        Until = parsed.GetValue(Until),
        Run = parsed.GetValue(Run),
        Cause = parsed.GetValue(Cause) switch
        {
            null => null,
            "client" => DeletionCause.Client,
            "retention" => DeletionCause.Retention,
            "collection" => DeletionCause.Collection,
            var other => throw new AdminFault($"--cause {other}: it is client, retention or collection"),
        },
        Operation = parsed.GetValue(Operation),
    };
}
