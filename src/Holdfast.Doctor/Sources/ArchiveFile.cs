using System.Formats.Tar;
using Holdfast.Oci;
using Microsoft.Win32.SafeHandles;

namespace Holdfast.Doctor.Sources;

/// <summary>A tar file whose members are found by name and read in place. It is gone through once; nothing is unpacked.</summary>
internal sealed class ArchiveFile : IDisposable
{
    // An image has tens of members, a thousand images tens of thousands.
    private const int MaxMembers = 2_000_000;
    private const int MaxLinks = 8;

    private static readonly (byte[] Start, string Unpack)[] Packings =
    [
        ([0x28, 0xb5, 0x2f, 0xfd], "zstd -d --keep"),
        ([0xfd, (byte)'7', (byte)'z', (byte)'X', (byte)'Z'], "xz -d --keep"),
        ([(byte)'B', (byte)'Z', (byte)'h'], "bzip2 -d --keep"),
        ([(byte)'P', (byte)'K', 3, 4], "unzip"),
    ];

    private readonly SafeFileHandle _file;
    private readonly Dictionary<string, (long Offset, long Length)> _members = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _links = new(StringComparer.Ordinal);

    private ArchiveFile(string path, SafeFileHandle file) => (Path, _file) = (path, file);

    public string Path { get; }

    /// <exception cref="SourceException">It can't be read, or is no tar file.</exception>
    public static ArchiveFile Open(string path, CancellationToken token)
    {
        SafeFileHandle? file = null;
        try
        {
            file = File.OpenHandle(path);
            if (UnpackedArchive.IsPacked(file))
            {
                using var packed = file;
                file = UnpackedArchive.Unpack(path, packed, token);
            }
            var archive = new ArchiveFile(path, file);
            archive.Index(token);
            return archive;
        }
        catch (Exception e) when (e is not SourceException and (IOException or UnauthorizedAccessException or InvalidDataException or FormatException or ArgumentException))
        {
            file?.Dispose();
            // What .NET says of a text file is that its end came too early.
            var why = e is EndOfStreamException or InvalidDataException ? "it is no tar file, or is cut off; a packed one (.gz, .zst) is unpacked first" : e.Message;
            throw new SourceException($"'{path}' is no archive that can be read: {why}", e);
        }
        catch
        {
            file?.Dispose();
            throw;
        }
    }

    /// <summary>A member's bytes; null if there is none of that name.</summary>
    public (Stream Content, long SizeBytes)? TryOpen(string name)
    {
        for (var followed = 0; _links.TryGetValue(name, out var target); name = target)
        {
            if (++followed > MaxLinks)
                throw new SourceException($"'{Path}': its links lead in a circle at {Quoted.Of(name)}");
        }
        return _members.TryGetValue(name, out var place) ? (new SliceStream(_file, place.Offset, place.Length), place.Length) : null;
    }

    /// <exception cref="SourceException">It has more bytes than that.</exception>
    public async ValueTask<byte[]?> TryReadAsync(string name, int maxBytes, CancellationToken token)
    {
        if (TryOpen(name) is not var (content, size))
            return null;
        await using (content)
        {
            if (size > maxBytes)
                throw new SourceException($"'{Path}': {Quoted.Of(name)} has more than {maxBytes} bytes");
            var bytes = new byte[size];
            await content.ReadExactlyAsync(bytes, token);
            return bytes;
        }
    }

    public void Dispose() => _file.Dispose();

    private void Index(CancellationToken token)
    {
        Span<byte> start = stackalloc byte[5];
        start = start[..RandomAccess.Read(_file, start, 0)];
        foreach (var (magic, unpack) in Packings)
        {
            if (start.StartsWith(magic))
                throw new SourceException($"'{Path}' is packed in a way that is not read here; unpack it first: {unpack} '{Path}'");
        }
        using var stream = new SliceStream(_file, 0, RandomAccess.GetLength(_file));
        using var reader = new TarReader(stream);
        while (reader.GetNextEntry() is { } entry)
        {
            token.ThrowIfCancellationRequested();
            if (_members.Count + _links.Count >= MaxMembers)
                throw new SourceException($"'{Path}' has more than {MaxMembers} members");
            var name = Normal(entry.Name);
            if (entry.EntryType is TarEntryType.SymbolicLink)
                _links[name] = Resolve(name, entry.LinkName);
            else if (entry.EntryType is TarEntryType.HardLink)
                _links[name] = Normal(entry.LinkName);
            else if (entry.EntryType is TarEntryType.RegularFile or TarEntryType.V7RegularFile or TarEntryType.ContiguousFile)
                _members[name] = (entry.DataOffset, entry.Length);
        }
    }

    private static string Normal(string name) => name.StartsWith("./", StringComparison.Ordinal) ? name[2..] : name;

    // docker save links a layer that two images share: ../<id>/layer.tar.
    private static string Resolve(string name, string target)
    {
        var parts = new List<string>(name.Split('/')[..^1]);
        foreach (var part in target.Split('/'))
        {
            if (part == ".." && parts.Count > 0)
                parts.RemoveAt(parts.Count - 1);
            else if (part is not ("." or ".." or ""))
                parts.Add(part);
        }
        return string.Join('/', parts);
    }
}
