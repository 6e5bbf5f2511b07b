using System.Globalization;
using System.Text;
using System.Text.Json;
using Holdfast.Storage.Native;

namespace Holdfast.Doctor.Repair;

/// <summary>One thing that a repair wrote.</summary>
/// <param name="Path">From docker/registry/v2.</param>
/// <param name="IsData">A blob's bytes; else a link.</param>
/// <param name="Text">The link's new content, or the data's digest.</param>
/// <param name="Before">The link's content before; null if there was none. Of data: the name under which the old file was kept, or null.</param>
/// <param name="Made">Folders that were made for it, the outermost first, from docker/registry/v2.</param>
public sealed record JournalEntry(string Path, bool IsData, string Text, string? Before, IReadOnlyList<string> Made);

/// <summary>
/// What a repair wrote, line by line, in a folder of its own beside the registry's: each line is on the disk before what it tells of. <c>--undo</c> reads it
/// from its end.
/// </summary>
public sealed class RepairJournal : IDisposable
{
    private const string FolderName = "holdfast-repair";
    private const string FileName = "journal.jsonl";
    private const string UndoneName = "undone";

    // What a line tells of is written right after it.
    private static readonly TimeSpan AfterLastLine = TimeSpan.FromSeconds(5);

    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web);

    private readonly FileStream _file;

    private RepairJournal(string folder, FileStream file) => (Folder, _file) = (folder, file);

    /// <summary>With the journal, what is coming in, and the files that were replaced.</summary>
    public string Folder { get; }

    internal string Incoming => Folder + "/incoming";

    internal string Replaced => Folder + "/replaced";

    /// <exception cref="IOException">It can't be written there.</exception>
    public static RepairJournal Begin(string dataFolder, TimeProvider time)
    {
        var name = time.GetUtcNow().ToString("yyyyMMdd-HHmmss-fff", CultureInfo.InvariantCulture);
        var folder = $"{dataFolder}/{FolderName}/{name}";
        if (Directory.Exists(folder))
            throw new IOException($"'{folder}' is there already: another repair began at the same moment");
        Directory.CreateDirectory($"{dataFolder}/{FolderName}");
        // The data folder is the registry's user's; what root writes for it stays in it.
        Posix.ThrowIfElsewhere($"{dataFolder}/{FolderName}");
        Directory.CreateDirectory(folder + "/incoming");
        Directory.CreateDirectory(folder + "/replaced");
        var file = new FileStream($"{folder}/{FileName}", FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0);
        Posix.SyncFolder(folder);
        Posix.SyncFolder($"{dataFolder}/{FolderName}");
        Posix.SyncFolder(dataFolder);
        return new RepairJournal(folder, file);
    }

    /// <returns>The folder of the newest repair that was not undone; null if there is none.</returns>
    public static string? FindNewest(string dataFolder)
    {
        var all = $"{dataFolder}/{FolderName}";
        return !Directory.Exists(all) ? null
            : Directory.GetDirectories(all).Order(StringComparer.Ordinal).LastOrDefault(static folder => File.Exists($"{folder}/{FileName}") && !File.Exists($"{folder}/{UndoneName}"));
    }

    /// <summary>What was written, in order. A last line that was cut off tells of nothing that was done.</summary>
    public static IReadOnlyList<JournalEntry> Read(string folder)
    {
        var lines = File.ReadAllLines($"{folder}/{FileName}");
        var entries = new List<JournalEntry>(lines.Length);
        for (var i = 0; i < lines.Length; i++)
        {
            try
            {
                entries.Add(JsonSerializer.Deserialize<JournalEntry>(lines[i], Format) ?? throw new JsonException());
            }
            catch (JsonException) when (i == lines.Length - 1)
            {
                break;
            }
            catch (JsonException e)
            {
                throw new IOException($"'{folder}/{FileName}' is damaged at line {i + 1}, and nothing was undone", e);
            }
        }
        return entries;
    }

    /// <summary>After this the repair wrote nothing more.</summary>
    public static DateTimeOffset FindEnd(string folder) => new DateTimeOffset(File.GetLastWriteTimeUtc($"{folder}/{FileName}"), TimeSpan.Zero) + AfterLastLine;

    public static void MarkUndone(string folder)
    {
        File.WriteAllText($"{folder}/{UndoneName}", "");
        Posix.SyncFolder(folder);
    }

    internal void Add(JournalEntry entry)
    {
        _file.Write(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(entry, Format) + "\n"));
        _file.Flush(flushToDisk: true);
    }

    public void Dispose() => _file.Dispose();
}
