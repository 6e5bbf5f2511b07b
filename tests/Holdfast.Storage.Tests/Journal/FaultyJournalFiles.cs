using Holdfast.Storage.Journal;

namespace Holdfast.Storage.Tests.Journal;

/// <summary>A journal's real files on a disk that fails when it is told to.</summary>
internal sealed class FaultyJournalFiles(string folder) : JournalFiles
{
    private readonly JournalFolderFiles _files = new(folder);

    /// <summary>The folder isn't synced.</summary>
    public bool FailsNames { get; set; }

    /// <summary>Half of a write is done.</summary>
    public bool FailsWrites { get; set; }

    public bool FailsCuts { get; set; }

    public bool FailsSyncs { get; set; }

    public override List<(long Sequence, string Path)> List(string kind) => _files.List(kind);

    public override string PathOf(long sequence, string kind) => _files.PathOf(sequence, kind);

    public override JournalBytes OpenToRead(string path) => _files.OpenToRead(path);

    public override JournalBytes OpenToWrite(string path) => new Bytes(this, _files.OpenToWrite(path));

    public override JournalBytes Create(string path) => new Bytes(this, _files.Create(path));

    public override void Sync()
    {
        Fail(FailsNames);
        _files.Sync();
    }

    private static void Fail(bool fails)
    {
        if (fails)
            throw new IOException("the disk fails, as it was told to");
    }

    private sealed class Bytes(FaultyJournalFiles files, JournalBytes bytes) : JournalBytes
    {
        public override long Length => bytes.Length;

        public override int Read(Span<byte> target, long offset) => bytes.Read(target, offset);

        public override void Write(ReadOnlySpan<byte> source, long offset)
        {
            bytes.Write(files.FailsWrites ? source[..(source.Length / 2)] : source, offset);
            Fail(files.FailsWrites);
        }

        public override void Truncate(long length)
        {
            Fail(files.FailsCuts);
            bytes.Truncate(length);
        }

        public override void Sync()
        {
            Fail(files.FailsSyncs);
            bytes.Sync();
        }

        public override void TryReserve(long length) => bytes.TryReserve(length);

        public override void Dispose() => bytes.Dispose();
    }
}
