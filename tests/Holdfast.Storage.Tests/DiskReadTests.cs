using System.Globalization;
using System.Security.Cryptography;
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

/// <summary>How a check reads: from the disk in any case, and without taking away what pulls have in the page cache.</summary>
[Collection<DiskReadsAlone>]
public sealed class DiskReadTests : IDisposable
{
    private const int FileBytes = (6 << 20) + 777;

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
    public async Task Check_OfWhatIsInUse_ReadsTheDiskAndLeavesItInTheCache()
    {
        using var file = Open();
        Posix.IsCached(file, FileBytes).ShouldBeTrue();
        var before = BytesFromDisk();
        (await CheckAsync()).ShouldBeTrue();
        (BytesFromDisk() - before).ShouldBeGreaterThanOrEqualTo(FileBytes - (64 << 10));
        Posix.IsCached(file, FileBytes).ShouldBeTrue();
    }

    [Fact, Promise("P5")]
    public async Task Check_OfWhatNobodyUses_LeavesNothingInTheCache()
    {
        using var file = Open();
        Posix.AdviseForget(file, 0, 0);
        Posix.IsCached(file, FileBytes).ShouldBeFalse();
        (await CheckAsync()).ShouldBeTrue();
        Posix.IsCached(file, FileBytes).ShouldBeFalse();
    }

    [Fact]
    public void IsCached_OfAnEmptyFile_IsFalse()
    {
        using var file = Open();
        Posix.IsCached(file, 0).ShouldBeFalse();
    }

    private SafeFileHandle Open() => Posix.Open(_path, Posix.ReadWrite);

    private async Task<bool> CheckAsync()
    {
        var file = Posix.Open(_path, Posix.ReadOnly);
        await using var reader = new DiskBlobReader(new FileBlobReader(file, Posix.Examine(file, _path)), _threads);
        var read = new byte[FileBytes];
        for (int at = 0, count; at < FileBytes; at += count)
            count = await reader.ReadAsync(at, read.AsMemory(at, Math.Min(1 << 20, FileBytes - at)), CancellationToken.None);
        return read.AsSpan().SequenceEqual(_content);
    }

    private static long BytesFromDisk() =>
        long.Parse(File.ReadLines("/proc/self/io").First(static line => line.StartsWith("read_bytes: ", StringComparison.Ordinal))[12..], CultureInfo.InvariantCulture);
}
