using System.Security.Cryptography;
using Holdfast.Oci;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Native;

namespace Holdfast.Storage.FileSystem;

/// <summary>
/// One random name in two places: beside the database and among the blobs. Where the second is missing or another, an empty folder or a stranger's
/// stands where the blobs were (a disk that isn't mounted, a restore that isn't finished), and what isn't found there is not known to be lost (P6).
/// </summary>
internal sealed class StoreMark(DataFolder folder)
{
    // Behind "sha512", so that a copy made in the order of names brings it last.
    private const string Name = "store-id";

    private string? _own;

    private string Blobs => Path.Combine(folder.Path, "blobs");

    private string OwnFile => Path.Combine(folder.Path, Name);

    private string FileAmongBlobs => Path.Combine(Blobs, Name);

    /// <summary>
    /// Marks a new store, and one of a program that had no marks if there are blobs; before the layout is made. One that should have blobs and shows none is
    /// left without: it may be the wrong place that would be marked.
    /// </summary>
    public void Prepare()
    {
        _own = TryRead(OwnFile);
        if (_own is not null)
            return;
        try
        {
            var found = TryRead(FileAmongBlobs);
            if (found is null && !IsNew() && !HasBlobs())
                return;
            if (found is null)
            {
                found = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
                DataFolder.CreateFolder(Blobs, DataFolder.Owner);
                Write(FileAmongBlobs, found);
            }
            Write(OwnFile, found);
            _own = found;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Blobs that can only be read are served all the same; the next start tries again.
        }
    }

    /// <summary>What speaks against this being the place of the store's blobs, with what to do about it; null if nothing does.</summary>
    public string? FindFault()
    {
        foreach (var algorithm in (ReadOnlySpan<DigestAlgorithm>)[DigestAlgorithm.Sha256, DigestAlgorithm.Sha512])
        {
            if (!Directory.Exists(folder.Blobs(algorithm)))
                return Tell($"its folder {algorithm.Name()} can't be found");
        }
        if (_own is null)
            return null;
        return TryRead(FileAmongBlobs) switch
        {
            null => Tell($"the file {Name} in it can't be read"),
            var found when found != _own => Tell($"the file {Name} in it is that of another store"),
            _ => null,
        };
    }

    /// <exception cref="StoreAwayException">Something speaks against it.</exception>
    public void ThrowIfAway()
    {
        if (FindFault() is { } fault)
            throw new StoreAwayException(fault);
    }

    private string Tell(string found) =>
        $"the folder '{Blobs}' is not where this store's blobs lie: {found}. Is its disk not mounted, or a copy not finished? Until it is back, nothing that is missing there "
        + "is taken for lost or fetched from elsewhere, pushes are refused, and what can't be found is answered 503. This ends by itself. Only if the blobs are lost "
        + $"for good, or this is their new place: cp '{OwnFile}' '{FileAmongBlobs}', then restart; what is missing is healed from then on";

    private bool IsNew() =>
        !File.Exists(folder.DatabaseFile) && !(Directory.Exists(folder.Journal) && Directory.EnumerateFiles(folder.Journal).Any());

    private bool HasBlobs() =>
        Directory.Exists(Blobs) && Directory.EnumerateDirectories(Blobs).Any(static algorithm => Directory.EnumerateFileSystemEntries(algorithm).Any());

    private static string? TryRead(string file)
    {
        try
        {
            return File.ReadAllText(file).Trim() is { Length: > 0 } text ? text : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static void Write(string path, string text)
    {
        var unfinished = path + ".new";
        using (var file = Posix.Open(unfinished, Posix.ReadWrite | Posix.Create, UnixFileMode.UserRead | UnixFileMode.UserWrite))
        {
            Posix.Truncate(file, 0, unfinished);
            RandomAccess.Write(file, System.Text.Encoding.ASCII.GetBytes(text + "\n"), 0);
            Posix.SyncData(file, unfinished);
        }
        Posix.Rename(unfinished, path);
        Posix.SyncFolder(Path.GetDirectoryName(path)!);
    }
}
