using System.Buffers;
using System.Text;
using Holdfast.Doctor.Registry2;
using Holdfast.Doctor.Sources;
using Holdfast.Oci;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Native;

namespace Holdfast.Doctor.Repair;

/// <summary>
/// The one class here that writes to a registry's folder. Bytes come in beside it, are hashed and synced there, and are moved in place only then; each
/// write is in the journal before it happens. What is made belongs to the folder's owner, since the registry must be able to remove it.
/// </summary>
public sealed class RegistryWriter(RegistryFolder folder, RepairJournal journal)
{
    private const int BufferBytes = 256 * 1024;

    /// <summary>Takes a blob's bytes in; an old file with other bytes is kept in the journal's folder.</summary>
    /// <returns>Null if it was written; else why the bytes are not right.</returns>
    /// <exception cref="IOException">The source broke off, or the folder can't be written.</exception>
    public async Task<string?> WriteDataAsync(Digest digest, SourceBlob blob, Action<long> progress, CancellationToken token)
    {
        var incoming = $"{journal.Incoming}/{digest.Hex}";
        try
        {
            if (await ReceiveAsync(incoming, digest, blob, progress, token) is { } problem)
                return problem;
            var place = RegistryFolder.FolderOf(digest);
            var path = $"{folder.Path}/{place}/data";
            var old = Posix.TryExamineEntry(path) is null ? null : $"{digest.Algorithm.Name()}-{digest.Hex}";
            var missing = Missing(place);
            journal.Add(new JournalEntry($"{place}/data", true, digest.ToString(), old, missing));
            Make(place, missing);
            Adopt(incoming, isFolder: false);
            if (old is not null)
                Posix.Rename(path, $"{journal.Replaced}/{old}");
            Posix.Rename(incoming, path);
            Posix.SyncFolder(journal.Replaced);
            Posix.SyncFolder($"{folder.Path}/{place}");
            return null;
        }
        finally
        {
            File.Delete(incoming);
        }
    }

    /// <param name="place">The link's folder, from docker/registry/v2.</param>
    public void WriteLink(string place, Digest digest)
    {
        var path = $"{folder.Path}/{place}/link";
        var text = digest.ToString();
        var before = ReadOld(path);
        var missing = Missing(place);
        journal.Add(new JournalEntry($"{place}/link", false, text, before, missing));
        Make(place, missing);
        var incoming = $"{journal.Incoming}/link";
        File.Delete(incoming);
        using (var file = new FileStream(incoming, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0))
        {
            file.Write(Encoding.ASCII.GetBytes(text));
            file.Flush(flushToDisk: true);
        }
        Adopt(incoming, isFolder: false);
        Posix.Rename(incoming, path);
        Posix.SyncFolder($"{folder.Path}/{place}");
    }

    internal string LinkPlace(RepositoryName repository, Digest digest, bool isLayer)
    {
        var of = folder.Repository(repository);
        return isLayer ? of.LayerPlace(digest) : of.RevisionPlace(digest);
    }

    private static async Task<string?> ReceiveAsync(string incoming, Digest digest, SourceBlob blob, Action<long> progress, CancellationToken token)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            using var hash = new RunningHash(digest.Algorithm);
            await using var file = new FileStream(incoming, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
            var total = 0L;
            for (int read; (read = await ReadAsync(blob, buffer, token)) > 0; total += read)
            {
                hash.Append(buffer.AsSpan(0, read));
                await file.WriteAsync(buffer.AsMemory(0, read), token);
                progress(read);
            }
            var found = hash.Current();
            if (found != digest)
                return $"has other bytes under that digest: {total} that are those of {found}";
            file.Flush(flushToDisk: true);
            return null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    // What goes wrong there is the donor's, and another may do better; what goes wrong here ends the repair.
    private static async ValueTask<int> ReadAsync(SourceBlob blob, byte[] buffer, CancellationToken token)
    {
        try
        {
            return await blob.Content.ReadAsync(buffer, token);
        }
        catch (IOException e)
        {
            throw new SourceException(e.Message, e);
        }
    }

    // Text that was never written by a registry can be put back only as far as it is text.
    private static string? ReadOld(string path)
    {
        if (Posix.TryExamineEntry(path) is not { } state)
            return null;
        if (state.Kind != EntryKind.File || state.SizeBytes > 4096)
            throw new IOException($"'{path}' is no file that a registry writes; see to it by hand");
        return File.ReadAllText(path, Encoding.Latin1);
    }

    private List<string> Missing(string place)
    {
        var missing = new List<string>();
        for (var at = place; at.Length > 0 && Posix.TryExamineEntry($"{folder.Path}/{at}") is null; at = Path.GetDirectoryName(at)!)
            missing.Insert(0, at);
        // Before anything is made or put down in the journal: not even a folder is made behind a link that somebody put there.
        var standing = missing.Count == 0 ? place : Path.GetDirectoryName(missing[0])!;
        Posix.ThrowIfElsewhere(standing.Length == 0 ? folder.Path : $"{folder.Path}/{standing}");
        return missing;
    }

    private void Make(string place, List<string> missing)
    {
        foreach (var made in missing)
        {
            Directory.CreateDirectory($"{folder.Path}/{made}");
            Adopt($"{folder.Path}/{made}", isFolder: true);
            Posix.SyncFolder(Path.GetDirectoryName($"{folder.Path}/{made}")!);
        }
        Posix.ThrowIfElsewhere($"{folder.Path}/{place}");
    }

    private void Adopt(string path, bool isFolder)
    {
        var parent = Posix.TryExamineEntry($"{folder.Path}/blobs") ?? Posix.TryExamineEntry(folder.Path) ?? throw new IOException($"'{folder.Path}' went away");
        File.SetUnixFileMode(path, (UnixFileMode)(isFolder ? parent.Mode : parent.Mode & 0x1B6));
        if (Posix.IsRoot)
            Posix.ChangeOwner(path, parent.User, parent.Group);
    }
}
