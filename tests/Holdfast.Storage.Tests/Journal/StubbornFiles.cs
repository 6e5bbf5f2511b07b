using Holdfast.Storage.Journal;

namespace Holdfast.Storage.Tests.Journal;

/// <summary>The files of a folder on a disk that at times does half of a write, or doesn't cut.</summary>
internal sealed class StubbornFiles(string folder) : JournalFiles
{
    private readonly JournalFolderFiles _files = new(folder);

    public bool WritesFail { get; set; }

    public bool CutsFail { get; set; }

    public override List<(long Sequence, string Path)> List(string kind) => _files.List(kind);

    public override string PathOf(long sequence, string kind) => _files.PathOf(sequence, kind);

    public override JournalBytes OpenToRead(string path) => _files.OpenToRead(path);

    public override JournalBytes OpenToWrite(string path) => new StubbornBytes(this, _files.OpenToWrite(path));

    public override JournalBytes Create(string path) => new StubbornBytes(this, _files.Create(path));

    public override void Sync() => _files.Sync();

    private sealed class StubbornBytes(StubbornFiles disk, JournalBytes bytes) : JournalBytes
    {
        public override long Length => bytes.Length;

        public override int Read(Span<byte> target, long offset) => bytes.Read(target, offset);

        public override void Write(ReadOnlySpan<byte> written, long offset)
        {
            bytes.Write(disk.WritesFail ? written[..(written.Length / 2)] : written, offset);
            if (disk.WritesFail)
                throw new IOException("half of it is written");
        }

        public override void Truncate(long length)
        {
            if (disk.CutsFail)
                throw new IOException("it isn't cut");
            bytes.Truncate(length);
        }

        public override void Sync() => bytes.Sync();

        public override void TryReserve(long length) => bytes.TryReserve(length);

        public override void Dispose() => bytes.Dispose();
    }
}
