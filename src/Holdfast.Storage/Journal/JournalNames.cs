using Holdfast.Storage.Metadata;

namespace Holdfast.Storage.Journal;

/// <summary>The words of the journal's lines. They stay what they are: old journals are read by new programs.</summary>
internal static class JournalNames
{
    public const int Version = 1;

    private static readonly JournalOperation[] Operations = Enum.GetValues<JournalOperation>();

#pragma warning disable CS8524 // A member without a name doesn't compile; a number that is no member can't come from a stored name.
    public static string Name(this JournalOperation operation) => operation switch
    {
        JournalOperation.Link => "link",
        JournalOperation.Manifest => "manifest",
        JournalOperation.Tag => "tag",
        JournalOperation.TrashTag => "trash-tag",
        JournalOperation.TrashManifest => "trash-manifest",
        JournalOperation.TrashLink => "trash-link",
        JournalOperation.RestoreTag => "restore-tag",
        JournalOperation.RestoreManifest => "restore-manifest",
        JournalOperation.RestoreLink => "restore-link",
        JournalOperation.PurgeTag => "purge-tag",
        JournalOperation.PurgeManifest => "purge-manifest",
        JournalOperation.PurgeLink => "purge-link",
        JournalOperation.ForgetLink => "forget-link",
        JournalOperation.ReviewManifest => "review-manifest",
    };

    public static string Name(this DeletionCause cause) => cause switch
    {
        DeletionCause.Client => "client",
        DeletionCause.Retention => "retention",
        DeletionCause.Collection => "collection",
    };
#pragma warning restore CS8524

    /// <exception cref="FormatException">A later program wrote it.</exception>
    public static JournalOperation ParseOperation(string name)
    {
        foreach (var operation in Operations)
        {
            if (string.Equals(operation.Name(), name, StringComparison.Ordinal))
                return operation;
        }
        throw new FormatException($"'{name}' is no operation of the journal");
    }

    /// <exception cref="FormatException">A later program wrote it.</exception>
    public static DeletionCause ParseCause(string name) => name switch
    {
        "client" => DeletionCause.Client,
        "retention" => DeletionCause.Retention,
        "collection" => DeletionCause.Collection,
        _ => throw new FormatException($"'{name}' is no cause of a deletion"),
    };
}
