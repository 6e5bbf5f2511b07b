using Holdfast.Storage.FileSystem;
using Holdfast.Storage.Native;
using Microsoft.Win32.SafeHandles;

namespace Holdfast.Storage.Journal;

/// <summary>Where the journal's files lie, for its writer and its readers.</summary>
internal abstract class JournalFiles
{
    /// <summary>Files of one kind, in the order of their changes.</summary>
    public abstract List<(long Sequence, string Path)> List(string kind);

    public abstract string PathOf(long sequence, string kind);

    public abstract JournalBytes OpenToRead(string path);

    public abstract JournalBytes OpenToWrite(string path);

    /// <summary>If there is one of that name, it is that.</summary>
    public abstract JournalBytes Create(string path);

    /// <summary>The files' names are on the disk when this returns.</summary>
    public abstract void Sync();

    /// <summary>
    /// What was read at the journal's end stays so when this returns: a process that was killed may have written or cut it without a sync, and what a start
    /// believes of it must outlast a power cut.
    /// </summary>
    public void SyncEnd()
    {
        if (List(JournalFolder.Segment) is not [.., var last])
            return;
        using var file = OpenToWrite(last.Path);
        file.Sync();
        Sync();
    }
}

/// <summary>An open file of the journal. Every error is an <see cref="IOException"/>.</summary>
internal abstract class JournalBytes : IDisposable
{
    public abstract long Length { get; }

    /// <returns>0 at the end.</returns>
    public abstract int Read(Span<byte> target, long offset);

    /// <exception cref="Blobs.StoreFullException">There is no room.</exception>
    public abstract void Write(ReadOnlySpan<byte> bytes, long offset);

    public abstract void Truncate(long length);

    /// <summary>The bytes are on the disk when this returns.</summary>
    public abstract void Sync();

    /// <summary>Takes room in advance, where the file system can.</summary>
    public abstract void TryReserve(long length);

    public abstract void Dispose();
}

/// <summary>The files of a folder.</summary>
internal sealed class JournalFolderFiles(string folder) : JournalFiles
{
    public override List<(long Sequence, string Path)> List(string kind) => JournalFolder.List(folder, kind);

    public override string PathOf(long sequence, string kind) => JournalFolder.PathOf(folder, sequence, kind);

    public override JournalBytes OpenToRead(string path) => OpenFile(path);

    public override JournalBytes OpenToWrite(string path) => new FileBytes(Posix.Open(path, Posix.ReadWrite), path);

    public override JournalBytes Create(string path) =>
        new FileBytes(Posix.Open(path, Posix.ReadWrite | Posix.Create, UnixFileMode.UserRead | UnixFileMode.UserWrite), path);

    public override void Sync() => Posix.SyncFolder(folder);

    public static JournalBytes OpenFile(string path) =>
        new FileBytes(File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, FileOptions.SequentialScan), path);

    private sealed class FileBytes(SafeFileHandle file, string path) : JournalBytes
    {
        public override long Length => RandomAccess.GetLength(file);

        public override int Read(Span<byte> target, long offset) => RandomAccess.Read(file, target, offset);

        public override void Write(ReadOnlySpan<byte> bytes, long offset)
        {
            if (!Posix.TryWrite(file, bytes, offset, path))
                throw new IOException($"the journal's file '{path}' can't be written");
        }

        public override void Truncate(long length) => Posix.Truncate(file, length, path);

        public override void Sync() => Posix.SyncData(file, path);

        public override void TryReserve(long length) => Posix.TryReserve(file, length);

        public override void Dispose() => file.Dispose();
    }
}
