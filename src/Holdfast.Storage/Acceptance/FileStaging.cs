using Holdfast.Storage.Blobs;
using Holdfast.Storage.FileSystem;
using Holdfast.Storage.Native;
using Microsoft.Win32.SafeHandles;

namespace Holdfast.Storage.Acceptance;

/// <summary>
/// Brings files of somebody else's among a data folder's uploads without reading them, from where <see cref="IBlobStore.AdoptAsync"/> makes blobs of them. It
/// needs no lock and no open store, so a command may do it beside the server; what it leaves behind in a crash, the next start removes as it removes any upload that nobody knows.
/// </summary>
/// <remarks>
/// A hard link is the old registry's own file: its mode and owner are left as they are, for they are that registry's too. So it is only made of a file that the owner of
/// the data folder may read, and stays writable for whoever may write to it there; a blob's stamp tells of every write.
/// </remarks>
public sealed class FileStaging
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly string _uploads;
    private readonly LinkKind _kind;
    private readonly (uint User, uint Group) _owner;

    // Files of one source lie on one file system: what can't be done for one is not tried for each of the next.
    private volatile string? _noReflinks;
    private volatile string? _noLinks;

    /// <param name="uploads">The data folder's <c>uploads/</c>.</param>
    /// <exception cref="IOException">It isn't there, or can't be looked at.</exception>
    public FileStaging(string uploads, LinkKind kind)
    {
        (_uploads, _kind) = (uploads, kind);
        _owner = Posix.OwnerOf(uploads);
    }

    /// <summary>Why files are copied that could have been brought in without; null if that didn't happen.</summary>
    public string? WhyCopied => _kind == LinkKind.Auto ? _noLinks : null;

    /// <summary>Gives the file a place among the uploads, under that id.</summary>
    /// <param name="path">For people.</param>
    /// <returns>How; <see cref="LinkKind.Copy"/> if nothing was done, and the bytes must be read.</returns>
    /// <exception cref="LinkRefusedException">Copies are not wanted, and what is wanted can't be done with this file.</exception>
    /// <exception cref="IOException">It failed: there is no room, the folder can't be written, the file is gone.</exception>
    public LinkKind Bring(SafeFileHandle file, string path, Guid upload)
    {
        var target = Path.Combine(_uploads, upload.ToString("D"));
        if (_kind is LinkKind.Reflink or LinkKind.Auto && _noReflinks is null)
        {
            if (TryClone(file, target) is not { } reason)
                return LinkKind.Reflink;
            if (_kind == LinkKind.Reflink)
                throw new LinkRefusedException($"'{path}' can't be had by reflink: {reason}; take --link auto");
            _noReflinks = reason;
        }
        if (_kind is LinkKind.Copy || (_kind == LinkKind.Auto && _noLinks is not null))
            return LinkKind.Copy;
        if (FindSecret(file, path) is { } secret)
            return Refused(path, secret);
        if (Posix.TryLink(file, target) is not { } refused)
            return LinkKind.Hard;
        _noLinks = refused;
        return Refused(path, refused);
    }

    /// <summary>Takes an upload back; nothing happens if there is none.</summary>
    public void Remove(Guid upload)
    {
        try
        {
            File.Delete(Path.Combine(_uploads, upload.ToString("D")));
        }
        catch (UnauthorizedAccessException e)
        {
            throw Posix.Translate(e);
        }
    }

    private LinkKind Refused(string path, string reason)
    {
        if (_kind == LinkKind.Auto)
        {
            _noLinks ??= reason;
            return LinkKind.Copy;
        }
        throw new LinkRefusedException($"'{path}' can't be had by hard link: {reason}; take --link auto, which copies what can't be linked");
    }

    private string? TryClone(SafeFileHandle file, string target)
    {
        var isDone = false;
        using var clone = Posix.Open(target, Posix.ReadWrite | Posix.Create | Posix.Exclusive, OwnerOnly);
        try
        {
            var reason = Posix.TryClone(file, clone, target);
            isDone = reason is null;
            // Made by root for a server that runs as somebody else.
            if (isDone && Posix.IsRoot && _owner.User != 0)
                Posix.ChangeOwner(target, _owner.User, _owner.Group);
            return reason;
        }
        finally
        {
            if (!isDone)
                File.Delete(target);
        }
    }

    // The server must be able to read what it is to serve, and its mode is not ours to change.
    private string? FindSecret(SafeFileHandle file, string path)
    {
        if ((File.GetUnixFileMode(file) & UnixFileMode.OtherRead) != 0 || _owner.User == 0 || Posix.OwnerOf(file, path) == _owner.User)
            return null;
        return "the server that owns the data folder may not read it, and its mode is left as it is";
    }
}

/// <summary>A file can't be brought in the way that was asked for.</summary>
public sealed class LinkRefusedException(string message) : IOException(message)
{
}
