using System.Globalization;
using System.Text;
using System.Text.Json;
using Holdfast.Client.Walk;
using Holdfast.Oci;

namespace Holdfast.Client.Probe;

/// <summary>
/// Keeps memories over restarts: one JSON array a line, what it is in its first item. It only spares work, so that a damaged file is told and begun anew, as far as
/// it can't be read.
/// </summary>
public static class ProbeMemoryFile
{
    private const string Mark = "holdfast-probe-memory";
    private const int Version = 1;

    /// <returns>The memories by instance, and what was wrong with the file.</returns>
    public static (Dictionary<string, ProbeMemory> Memories, string? Problem) Load(string path, TimeProvider time)
    {
        var memories = new Dictionary<string, ProbeMemory>(StringComparer.Ordinal);
        var number = 0;
        try
        {
            if (!File.Exists(path))
                return (memories, null);
            ProbeMemory? memory = null;
            foreach (var line in File.ReadLines(path))
            {
                number++;
                using var document = JsonDocument.Parse(line);
                var items = document.RootElement;
                if (number == 1 && (items[0].GetString() != Mark || items[1].GetInt32() != Version))
                    return (memories, $"{path} is no memory of this version's probe, and was passed over");
                if (items[0].GetString() == "instance")
                    memories[items[1].GetString()!] = memory = new ProbeMemory(items[1].GetString()!, time) { LastRunAt = items[2].GetInt64() };
                else if (number > 1)
                    Read(items, memory!);
            }
            return (memories, null);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or IndexOutOfRangeException or ArgumentException or NullReferenceException)
        {
            return (memories, $"{path}: line {number} can't be read; what follows is read from the registry anew");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return (memories, $"{path} can't be read: {Failures.Printable(e.Message)}");
        }
    }

    /// <summary>Written beside the file, synced and renamed, so that a crash leaves the old one or the new one.</summary>
    /// <exception cref="IOException">It can't be written.</exception>
    public static void Save(string path, IEnumerable<ProbeMemory> memories)
    {
        var beside = path + ".new";
        using (var file = new FileStream(beside, FileMode.Create, FileAccess.Write, FileShare.None, 64 << 10))
        using (var lines = new StreamWriter(file, new UTF8Encoding(false), 64 << 10))
        {
            Write(lines, Mark, Version);
            foreach (var memory in memories)
                Write(lines, memory);
            lines.Flush();
            file.Flush(flushToDisk: true);
        }
        File.Move(beside, path, overwrite: true);
    }

    private static void Write(StreamWriter lines, ProbeMemory memory)
    {
        Write(lines, "instance", memory.Instance, memory.LastRunAt);
        foreach (var (key, state) in memory.Tags)
            Write(lines, "tag", key.Repository.ToString(), key.Tag.ToString(), state.CheckedAt, state.Failures);
        foreach (var (key, at) in memory.ReadBlobs)
            Write(lines, "blob", Hex(key.A), Hex(key.B), Hex(key.C), Hex(key.D), at);
        foreach (var (digest, at, view) in memory.ReadManifests)
        {
            var subject = view.Subject is { } one ? new object[] { one.MediaType, one.Digest.ToString(), one.SizeBytes } : null;
            var edges = view.Edges.Select(static edge => new object[] { (int)edge.Role, edge.Content.MediaType, edge.Content.Digest.ToString(), edge.Content.SizeBytes, edge.Name });
            Write(lines, "manifest", digest.ToString(), at, view.MediaType, view.SizeBytes, view.Skipped, subject, edges.ToArray());
        }
    }

    private static void Read(JsonElement items, ProbeMemory memory)
    {
        switch (items[0].GetString())
        {
            case "tag":
                var tag = items[2].GetString() is { Length: > 0 } name ? Tag.Parse(name) : default;
                memory.Tags[new TagKey(RepositoryName.Parse(items[1].GetString()!), tag)] = new TagState(items[3].GetInt64(), items[4].GetInt32());
                break;
            case "blob":
                memory.Restore(new DigestKey(Number(items[1]), Number(items[2]), Number(items[3]), Number(items[4])), items[5].GetInt64());
                break;
            case "manifest":
                var subject = items[6].ValueKind == JsonValueKind.Array ? DescriptorOf(items[6], 0) : null;
                var edges = items[7].EnumerateArray().Select(static edge => new ManifestEdge((StepRole)edge[0].GetInt32(), DescriptorOf(edge, 1), Shared(edge[4]))).ToArray();
                memory.Restore(
                    Digest.Parse(items[1].GetString()!), items[2].GetInt64(), new ManifestView(Shared(items[3]), items[4].GetInt32(), edges, subject, items[5].GetInt32()));
                break;
            default:
                throw new FormatException("a line of a kind that is not known");
        }
    }

    private static void Write(StreamWriter lines, params object?[] items) => lines.WriteLine(JsonSerializer.Serialize(items));

    private static Descriptor DescriptorOf(JsonElement items, int from) =>
        new(Shared(items[from]), Digest.Parse(items[from + 1].GetString()!), items[from + 2].GetInt64());

    private static string Shared(JsonElement text) => text.GetString() is { } one ? string.IsInterned(one) ?? one : throw new FormatException("no text");

    private static string Hex(ulong value) => value.ToString("x16", CultureInfo.InvariantCulture);

    private static ulong Number(JsonElement hex) => ulong.Parse(hex.GetString()!, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
