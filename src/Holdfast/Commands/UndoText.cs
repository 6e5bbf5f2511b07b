using System.Text;
using System.Text.Json;
using Holdfast.Doctor.Registry2;
using Holdfast.Doctor.Repair;
using Holdfast.Oci;

namespace Holdfast.Commands;

/// <summary>What taking back the last repair of one folder came to.</summary>
/// <param name="Journal">Null: there is no repair to take back.</param>
internal sealed record UndoneRepair(RegistryFolder Folder, string? Journal, IReadOnlyList<(JournalEntry Entry, UndoOutcome Outcome)> Entries);

/// <summary>What <c>holdfast repair --undo</c> says.</summary>
internal static class UndoText
{
    public static async Task WriteAsync(IReadOnlyList<UndoneRepair> undone, bool apply, TextWriter output)
    {
        foreach (var (folder, journal, entries) in undone)
        {
            if (journal is null)
            {
                await output.WriteLineAsync($"{folder.DataFolder}: no repair to take back");
                continue;
            }
            foreach (var (entry, outcome) in entries)
                await output.WriteLineAsync($"  {Sentence(outcome, apply)}  {entry.Path}");
            var count = Counted.Of(entries.Count(static one => one.Outcome == UndoOutcome.Undone), "write");
            await output.WriteLineAsync($"{folder.DataFolder}: {(apply ? "took back" : "would take back")} {count} of {journal}{(apply ? "; restart the registry" : "; nothing is changed without --apply")}");
        }
    }

    public static async Task WriteJsonAsync(IReadOnlyList<UndoneRepair> undone, bool apply, TextWriter output)
    {
        using var buffer = new MemoryStream();
        await using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteBoolean("applied", apply);
            json.WriteStartArray("undone");
            foreach (var (folder, journal, entries) in undone)
            {
                json.WriteStartObject();
                json.WriteString("folder", folder.DataFolder);
                if (journal is not null)
                    json.WriteString("journal", journal);
                json.WriteStartArray("entries");
                foreach (var (entry, outcome) in entries)
                {
                    json.WriteStartObject();
                    json.WriteString("path", entry.Path);
                    json.WriteString("outcome", Word(outcome));
                    json.WriteEndObject();
                }
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        await output.WriteLineAsync(Encoding.UTF8.GetString(buffer.ToArray()));
    }

    private static string Word(UndoOutcome outcome) => outcome switch
    {
        UndoOutcome.Undone => "undone",
        UndoOutcome.NotThere => "not-there",
        UndoOutcome.Changed => "changed",
        _ => throw new ArgumentOutOfRangeException(nameof(outcome), outcome, null),
    };

    private static string Sentence(UndoOutcome outcome, bool apply) => outcome switch
    {
        UndoOutcome.Undone => apply ? "taken back" : "would be taken back",
        UndoOutcome.NotThere => "not there",
        UndoOutcome.Changed => "changed since, left as it is",
        _ => throw new ArgumentOutOfRangeException(nameof(outcome), outcome, null),
    };
}
