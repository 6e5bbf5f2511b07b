using System.Globalization;
using System.Security.Cryptography;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.FileSystem;
using Holdfast.Storage.Native;
using Holdfast.Testing;
using Microsoft.Win32.SafeHandles;
using Shouldly;
using Xunit;

namespace Holdfast.Storage.Tests;

/// <summary>Nobody else reads meanwhile: what the process had from the disk is counted.</summary>
[CollectionDefinition(DisableParallelization = true)]
public sealed class DiskReadsAlone;

/// <summary>How a check reads: from the disk in any case, so that whoever reads next has what was checked.</summary>
[Collection<DiskReadsAlone>]
public sealed class DiskReadTests : IDisposable
{
    private const int FileBytes = (6 << 20) + 777;

    // What else the process reads meanwhile, such as a page of a library.
    private const int Slack = 64 << 10;

    private readonly string _path = Path.Combine(AppContext.BaseDirectory, Path.GetRandomFileName());
    private readonly byte[] _content = RandomNumberGenerator.GetBytes(FileBytes);
    private readonly DiskThreads _threads = new();

    public DiskReadTests()
    {
        File.WriteAllBytes(_path, _content);
        using var file = Open();
        RandomAccess.FlushToDisk(file);
    }

    public void Dispose()
    {
        _threads.Dispose();
        File.Delete(_path);
    }

    [Fact, Promise("P5")]
    public async Task Check_OfWhatIsInTheCache_ReadsTheDiskAndSoDoesWhoeverComesNext()
    {
        ReadThroughCache();
        var before = BytesFromDisk();
        (await CheckAsync(1 << 20)).ShouldBeTrue();
        (BytesFromDisk() - before).ShouldBeGreaterThanOrEqualTo(FileBytes - Slack);
        ReadThroughCache().ShouldBeGreaterThanOrEqualTo(FileBytes - Slack);
    }

    [Fact, Promise("P5")]
    public async Task Check_OfWhatIsPulledMeanwhile_TakesNothingOutOfTheCache()
    {
        await using var reader = OpenForCheck(_path);
        ReadThroughCache();
        (await reader.ReadAsync(0, new byte[1 << 20], CancellationToken.None)).ShouldBe(1 << 20);
        (await reader.ReadAsync(5 << 20, new byte[1 << 20], CancellationToken.None)).ShouldBe(1 << 20);
        ReadThroughCache().ShouldBeLessThan(Slack);
    }

    [Fact, Promise("P5")]
    public async Task Check_OfWhatNobodyUses_LeavesNothingInTheCache()
    {
        using (var file = Open())
            Posix.AdviseForget(file, 0, 0);
        (await CheckAsync(1 << 20)).ShouldBeTrue();
        ReadThroughCache().ShouldBeGreaterThanOrEqualTo(FileBytes - Slack);
    }

    [Theory, Promise("P4")]
    [InlineData(777)]
    [InlineData(300_000)]
    [InlineData(FileBytes)]
    public async Task Check_InPiecesOfAnySize_ReadsAllBytes(int pieceBytes) => (await CheckAsync(pieceBytes)).ShouldBeTrue();

    [Theory, Promise("P4")]
    [InlineData(300_000)]
    [InlineData(FileBytes)]
    public async Task Check_WithoutAWindow_ReadsAllBytes(int pieceBytes)
    {
        var taken = new List<AlignedBuffer>();
        try
        {
            while (AlignedBuffer.TryRent() is { } buffer)
                taken.Add(buffer);
            taken.Count.ShouldBeGreaterThan(0);
            (await CheckAsync(pieceBytes)).ShouldBeTrue();
        }
        finally
        {
            taken.ForEach(static buffer => buffer.Return());
        }
    }

    [Fact, Promise("P4")]
    public async Task Check_ByManyAtOnce_ReadsAllBytes()
    {
        const int Piece = 100_000;
        await using var reader = OpenForCheck(_path);
        var read = new byte[FileBytes];
        await Parallel.ForEachAsync(Enumerable.Range(0, (FileBytes + Piece - 1) / Piece), async (piece, cancellationToken) =>
        {
            for (int at = piece * Piece, end = Math.Min(at + Piece, FileBytes); at < end;)
                at += await reader.ReadAsync(at, read.AsMemory(at, end - at), cancellationToken);
        });
        read.AsSpan().SequenceEqual(_content).ShouldBeTrue();
    }

    [Fact, Promise("P4")]
    public async Task Check_OfMemorysFiles_ReadsAllBytes()
    {
        var path = Path.Combine("/dev/shm", Path.GetRandomFileName());
        try
        {
            await File.WriteAllBytesAsync(path, _content);
            (await CheckAsync(1 << 20, path)).ShouldBeTrue();
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public async Task Read_BehindTheEnd_GivesNothing()
    {
        await using var reader = OpenForCheck(_path);
        (await reader.ReadAsync(FileBytes, new byte[10], CancellationToken.None)).ShouldBe(0);
        (await reader.ReadAsync(FileBytes + (2 << 20), new byte[10], CancellationToken.None)).ShouldBe(0);
        (await reader.ReadAsync(FileBytes - 5, new byte[10], CancellationToken.None)).ShouldBe(5);
    }

    [Fact, Promise("P4")]
    public async Task Read_OfABlobOverwrittenInPlace_SeesIt()
    {
        await using var reader = OpenForCheck(_path);
        using (var file = Open())
            RandomAccess.Write(file, [(byte)~_content[5]], 5);
        var read = new byte[10];
        (await reader.ReadAsync(0, read, CancellationToken.None)).ShouldBe(10);
        read[5].ShouldBe((byte)~_content[5]);
    }

    private SafeFileHandle Open() => Posix.Open(_path, Posix.ReadWrite);

    private DiskBlobReader OpenForCheck(string path)
    {
        var file = Posix.Open(path, Posix.ReadOnly);
        return new DiskBlobReader(new FileBlobReader(file, Posix.Examine(file, path)), _threads);
    }

    private async Task<bool> CheckAsync(int pieceBytes, string? path = null)
    {
        await using var reader = OpenForCheck(path ?? _path);
        var read = new byte[FileBytes];
        for (int at = 0, count; at < FileBytes; at += count)
        {
            count = await reader.ReadAsync(at, read.AsMemory(at, Math.Min(pieceBytes, FileBytes - at)), CancellationToken.None);
            count.ShouldBeGreaterThan(0);
        }
        return read.AsSpan().SequenceEqual(_content);
    }

    /// <returns>The bytes that were not there.</returns>
    private long ReadThroughCache()
    {
        var before = BytesFromDisk();
        File.ReadAllBytes(_path).AsSpan().SequenceEqual(_content).ShouldBeTrue();
        return BytesFromDisk() - before;
    }

    private static long BytesFromDisk() =>
        long.Parse(File.ReadLines("/proc/self/io").First(static line => line.StartsWith("read_bytes: ", StringComparison.Ordinal))[12..], CultureInfo.InvariantCulture);
}
