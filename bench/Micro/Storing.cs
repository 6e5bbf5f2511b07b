using System.Security.Cryptography;
using BenchmarkDotNet.Attributes;
using Holdfast.Oci;
using Holdfast.Storage;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.FileSystem;
using Holdfast.Storage.Metadata;
using Holdfast.Storage.Sqlite;

namespace Holdfast.Micro;

/// <summary>The real stores in a temporary folder: bytes that are hashed while they are written, and a tag that is looked up.</summary>
public class Storing : IAsyncDisposable
{
    private const int ChunkBytes = 256 * 1024;
    private const int Chunks = 256;
    private const int Images = 10_000;

    private readonly string _folder = Directory.CreateTempSubdirectory("holdfast-micro-").FullName;
    private readonly byte[] _chunk = RandomNumberGenerator.GetBytes(ChunkBytes);
    private readonly Tag _tag = Tag.Parse("v5000");
    private RepositoryKey _repository;
    private DataFolder _data = null!;
    private FileSystemBlobStore _blobs = null!;
    private SqliteMetadataDatabase _metadata = null!;

    // Whoever runs this in its own process doesn't wait for a setup that gives back a task.
    [GlobalSetup]
    public void Open() => OpenAsync().GetAwaiter().GetResult();

    [GlobalCleanup]
    public void Close() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    public async ValueTask DisposeAsync()
    {
        await _metadata.DisposeAsync();
        await _blobs.DisposeAsync();
        _data.Dispose();
        Directory.Delete(_folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>64 MiB; nothing is synced, for that is the disk's time.</summary>
    [Benchmark]
    public async Task<bool> HashWhileWriting64MiB()
    {
        await using var writer = await _blobs.OpenUploadAsync(Guid.NewGuid(), DigestAlgorithm.Sha256, CancellationToken.None);
        for (var i = 0; i < Chunks; i++)
            await writer.AppendAsync(_chunk, CancellationToken.None);
        var matches = await writer.MatchesAsync(Digest.FromHash(DigestAlgorithm.Sha256, new byte[32]), CancellationToken.None);
        await writer.DisposeAsync();
        await _blobs.RemoveUploadAsync(writer.Upload, CancellationToken.None);
        return matches;
    }

    /// <summary>One of 10,000.</summary>
    [Benchmark]
    public async Task<bool> TagLookup() =>
        await _metadata.ReadAsync((key: _repository, tag: _tag), static (db, s) => Manifests.Find(db, s.key, s.tag), CancellationToken.None) is not null;

    private async Task OpenAsync()
    {
        _data = DataFolder.Open(_folder);
        _blobs = new FileSystemBlobStore(_data, TimeProvider.System);
        (_metadata, _) = await SqliteMetadataDatabase.OpenAsync(_data, _blobs, TimeProvider.System, CancellationToken.None);
        var registry = await _metadata.WriteAsync(0, static (db, _) => Registries.Ensure(db, "main"), CancellationToken.None);
        _repository = new RepositoryKey(registry, RepositoryName.Parse("team/tools/builder"));
        await _metadata.WriteAsync(_repository, Fill, CancellationToken.None);
    }

    private static bool Fill(MetadataSession db, RepositoryKey repository)
    {
        var manifest = new Manifest { MediaType = MediaTypes.OciIndex };
        for (var i = 0; i < Images; i++)
        {
            var payload = System.Text.Encoding.UTF8.GetBytes($"index {i}");
            Manifests.Put(db, new ManifestPut(repository, Digest.Compute(DigestAlgorithm.Sha256, payload), payload, manifest, [Tag.Parse($"v{i}")]), nowMs: 1);
        }
        return true;
    }
}
