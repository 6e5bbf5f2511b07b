using Holdfast.Storage.Journal;

namespace Holdfast.Storage.Sqlite;

/// <summary>What a start found about database and journal, and did.</summary>
public sealed class StartFindings
{
    private readonly List<string> _warnings = [];

    /// <summary>Changes of the journal that the database had not seen.</summary>
    public long Replayed { get; internal set; }

    /// <summary>The rebuild, if there was one.</summary>
    public RebuildReport? Rebuilt { get; internal set; }

    /// <summary>Sentences for people; there is an open incident with the same words.</summary>
    public IReadOnlyList<string> Warnings => _warnings;

    internal void Warn(string sentence) => _warnings.Add(sentence);
}
