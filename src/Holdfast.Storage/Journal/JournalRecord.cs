using System.Text.Json;
using Holdfast.Oci;
using Holdfast.Storage.Metadata;

namespace Holdfast.Storage.Journal;

/// <summary>An event with its registry's name in place of the id, which is another in every database.</summary>
internal readonly record struct NamedEvent(string Registry, JournalEvent Event);

/// <summary>One line of a journal file. What a line doesn't have is null or 0.</summary>
internal sealed record JournalRecord
{
    /// <summary>Of a file's first line: whose journal it is.</summary>
    public string? Store { get; init; }

    /// <summary>Of a change; in a snapshot's first line, the change up to which it tells.</summary>
    public long Sequence { get; init; }

    /// <summary>The first change of the write that this one was part of: what a power cut tore was one write.</summary>
    public long Batch { get; init; }

    public IReadOnlyList<NamedEvent>? Events { get; init; }

    /// <summary>Of a snapshot's last line: the lines between it and the first.</summary>
    public long? End { get; init; }

    public static void WriteHeader(Utf8JsonWriter json, string store, long? snapshotOf = null)
    {
        json.WriteStartObject();
        json.WriteString("store"u8, store);
        json.WriteNumber("version"u8, JournalNames.Version);
        if (snapshotOf is { } sequence)
            json.WriteNumber("seq"u8, sequence);
        json.WriteEndObject();
    }

    public static void WriteChange(Utf8JsonWriter json, long sequence, long batch, IReadOnlyList<NamedEvent> events)
    {
        json.WriteStartObject();
        json.WriteNumber("seq"u8, sequence);
        if (batch != sequence)
            json.WriteNumber("batch"u8, batch);
        WriteEvents(json, events);
        json.WriteEndObject();
    }

    public static void WriteState(Utf8JsonWriter json, IReadOnlyList<NamedEvent> rows)
    {
        json.WriteStartObject();
        WriteEvents(json, rows);
        json.WriteEndObject();
    }

    public static void WriteEnd(Utf8JsonWriter json, long lines)
    {
        json.WriteStartObject();
        json.WriteNumber("end"u8, lines);
        json.WriteEndObject();
    }

    /// <returns>Null if the line is damaged.</returns>
    /// <exception cref="FormatException">It is whole, but a later program wrote it.</exception>
    public static JournalRecord? TryRead(ReadOnlyMemory<byte> line)
    {
        if (!JournalBuffer.TryOpen(line, out var json))
            return null;
        using var document = JsonDocument.Parse(json);
        var root = document.RootElement;
        if (Long(root, "version") > JournalNames.Version)
            throw new FormatException($"the journal has version {Long(root, "version")}, but this program knows only up to {JournalNames.Version}");
        var sequence = Long(root, "seq");
        return new JournalRecord
        {
            Store = Text(root, "store"),
            Sequence = sequence,
            Batch = root.TryGetProperty("batch", out var batch) ? batch.GetInt64() : sequence,
            Events = ReadEvents(root),
            End = root.TryGetProperty("end", out var end) ? end.GetInt64() : null,
        };
    }

    private static void WriteEvents(Utf8JsonWriter json, IReadOnlyList<NamedEvent> events)
    {
        json.WriteNumber("at"u8, events[0].Event.AtMs);
        json.WriteStartArray("events"u8);
        for (var i = 0; i < events.Count; i++)
            WriteEvent(json, events[i], events[0].Event.AtMs);
        json.WriteEndArray();
    }

    private static void WriteEvent(Utf8JsonWriter json, NamedEvent named, long at)
    {
        var done = named.Event;
        json.WriteStartObject();
        json.WriteString("op"u8, done.Operation.Name());
        if (done.AtMs != at)
            json.WriteNumber("at"u8, done.AtMs);
        json.WriteString("registry"u8, named.Registry);
        json.WriteString("repository"u8, done.Repository.Name.ToString());
        json.WriteString("digest"u8, done.Digest.ToString());
        if (!done.Tag.IsNone)
            json.WriteString("tag"u8, done.Tag.ToString());
        if (done.Operation is JournalOperation.Link or JournalOperation.Manifest)
            json.WriteNumber("size"u8, done.SizeBytes);
        if (done.MediaType is { } type)
            json.WriteString("type"u8, type);
        if (done.PushedMs is { } pushed)
            json.WriteNumber("pushed"u8, pushed);
        if (done.Deletion is { } deletion)
        {
            json.WriteString("operation"u8, deletion.Operation);
            json.WriteString("cause"u8, deletion.Cause.Name());
            json.WriteString("actor"u8, deletion.Actor);
            if (deletion.Run is { } run)
                json.WriteString("run"u8, run);
            if (deletion.SinceMs is { } since)
                json.WriteNumber("since"u8, since);
        }
        if (done.Times is { } times)
        {
            json.WriteNumber("created"u8, times.CreatedMs);
            json.WriteNumber("updated"u8, times.UpdatedMs);
            if (times.UntaggedMs is { } untagged)
                json.WriteNumber("untagged"u8, untagged);
            json.WriteNumber("pulled"u8, times.PulledMs);
        }
        json.WriteEndObject();
    }

    private static List<NamedEvent>? ReadEvents(JsonElement root)
    {
        if (!root.TryGetProperty("events", out var array))
            return null;
        var at = Long(root, "at");
        var events = new List<NamedEvent>(array.GetArrayLength());
        foreach (var element in array.EnumerateArray())
            events.Add(new NamedEvent(Text(element, "registry")!, ReadEvent(element, at)));
        return events;
    }

    private static JournalEvent ReadEvent(JsonElement element, long at) => new(
        JournalNames.ParseOperation(Text(element, "op")!),
        new RepositoryKey(0, RepositoryName.Parse(Text(element, "repository")!)),
        Digest.Parse(Text(element, "digest")!),
        element.TryGetProperty("at", out var own) ? own.GetInt64() : at)
    {
        Tag = Text(element, "tag") is { } tag ? Tag.Parse(tag) : default,
        SizeBytes = Long(element, "size"),
        MediaType = Text(element, "type"),
        PushedMs = element.TryGetProperty("pushed", out var pushed) ? pushed.GetInt64() : null,
        Deletion = Text(element, "operation") is { } operation
            ? new Deletion(operation, JournalNames.ParseCause(Text(element, "cause")!), Text(element, "actor")!, Text(element, "run"))
            {
                SinceMs = element.TryGetProperty("since", out var since) ? since.GetInt64() : null,
            }
            : null,
        Times = element.TryGetProperty("created", out var created)
            ? new RowTimes(
                created.GetInt64(), Long(element, "updated"), element.TryGetProperty("untagged", out var untagged) ? untagged.GetInt64() : null, Long(element, "pulled"))
            : null,
    };

    private static string? Text(JsonElement element, string name) => element.TryGetProperty(name, out var value) ? value.GetString() : null;

    private static long Long(JsonElement element, string name) => element.TryGetProperty(name, out var value) ? value.GetInt64() : 0;
}
