using System.Diagnostics;
using System.Security.Cryptography;
using Holdfast.Oci;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.FileSystem;
using Holdfast.Storage.Metadata;
using Holdfast.Storage.Sqlite;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Storage.Tests;

/// <summary>On a file system of 4 MiB, which only root may mount.</summary>
public sealed class FullDiskTests : IDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly TemporaryFolder _temporary = new();
    private readonly bool _mounted;

    public FullDiskTests() => _mounted = Run("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", _temporary.Path);

    public void Dispose()
    {
        if (_mounted)
            Run("umount", "-l", _temporary.Path);
        _temporary.Dispose();
    }

    [Theory, Promise("P10")]
    [InlineData(1000)]
    [InlineData(300_000)]
    public async Task Append_NoRoom_ThrowsStoreFullAndTheSessionGoesOn(int chunk)
    {
        SkipUnlessMounted();
        using var folder = DataFolder.Open(_temporary.Path);
        await using var store = new FileSystemBlobStore(folder, TimeProvider.System);
        var ballast = Path.Combine(_temporary.Path, "ballast");
        await File.WriteAllBytesAsync(ballast, new byte[3 * 1024 * 1024], None);
        var bytes = RandomNumberGenerator.GetBytes(2 * 1024 * 1024);
        await using var writer = await store.OpenUploadAsync(Guid.NewGuid(), DigestAlgorithm.Sha256, None);

        var offset = 0;
        await Should.ThrowAsync<StoreFullException>(async () =>
        {
            for (; offset < bytes.Length; offset += chunk)
                await writer.AppendAsync(bytes.AsMemory(offset, Math.Min(chunk, bytes.Length - offset)), None);
        });
        writer.SizeBytes.ShouldBe(offset);

        File.Delete(ballast);
        await writer.AppendAsync(bytes.AsMemory(offset), None);
        (await writer.CommitAsync(Digest.Compute(DigestAlgorithm.Sha256, bytes), None)).ShouldBe(BlobCommitOutcome.Stored);
    }

    [Fact, Promise("P10")]
    public async Task Write_NoRoom_ThrowsStoreFullWhileReadsAndLaterWritesWork()
    {
        SkipUnlessMounted();
        using var folder = DataFolder.Open(_temporary.Path);
        await using var database = SqliteMetadataDatabase.Open(folder.DatabaseFile);
        var registry = await database.WriteAsync(0, static (session, _) => Registries.Ensure(session, "private"), None);
        var ballast = Path.Combine(_temporary.Path, "ballast");
        await Should.ThrowAsync<IOException>(() => File.WriteAllBytesAsync(ballast, new byte[4 * 1024 * 1024], None));

        var payload = RandomNumberGenerator.GetBytes(200_000);
        var put = new ManifestPut(
            new RepositoryKey(registry, RepositoryName.Parse("app")), Digest.Compute(DigestAlgorithm.Sha256, payload), payload,
            new Manifest { MediaType = "x" }, []);
        await Should.ThrowAsync<StoreFullException>(() => PutAsync(database, put));
        (await database.ReadAsync(put, static (session, p) => Manifests.Find(session, p.Repository, p.Digest), None)).ShouldBeNull();

        File.Delete(ballast);
        (await PutAsync(database, put)).IsWhole.ShouldBeTrue();
    }

    private static Task<ManifestClosure> PutAsync(SqliteMetadataDatabase database, ManifestPut put) =>
        database.WriteAsync(put, static (session, p) => Manifests.Put(session, p, 0), None);

    private void SkipUnlessMounted() => Assert.SkipUnless(_mounted, "needs root (or the right to mount a tmpfs)");

    private static bool Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardError = true });
        process!.WaitForExit();
        return process.ExitCode == 0;
    }
}
