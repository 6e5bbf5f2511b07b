using System.Diagnostics;
using Holdfast.Oci;
using Holdfast.Storage;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.FileSystem;
using Holdfast.Storage.Metadata;
using Holdfast.Storage.Sqlite;

namespace Holdfast.Large;

/// <summary>
/// Fills a data folder as pushes would have, some days ago: rows, links, edges, tags and the journal are written by the storage layer's own statements, in its own transactions, and
/// what a push leaves to be reviewed is reviewed, so that the collection of the server that starts on it has nothing left to do.
/// </summary>
/// <param name="registry">Its name.</param>
internal sealed class StoreFill(string data, string registry, FillPlan plan, Action<FillProgress> report)
{
    // One change is one line of the journal, and a start that is to read no more than the last must find it in the last 64 KiB: a blob or manifest is about 220 bytes there.
    private const int MaxBlobsPerChange = 100;

    // Two of the largest groups that are committed together, so that one is made while the other is written.
    private const int MaxWaiting = 512;

    // The rows of digests come in no order: what is not in memory is read and written for each of them.
    private const string Memory = "PRAGMA cache_size = -524288";

    private readonly FillImages _images = new(plan);
    private readonly Queue<Task<int>> _waiting = new();
    private readonly Stopwatch _clock = Stopwatch.StartNew();

    /// <returns>How many manifests there are now.</returns>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        using var folder = DataFolder.Open(data);
        await using var blobs = new FileSystemBlobStore(folder, TimeProvider.System);
        var (metadata, _) = await SqliteMetadataDatabase.OpenAsync(folder, blobs, TimeProvider.System, cancellationToken);
        await using (metadata)
        {
            var time = await StoreTime.OpenAsync(metadata, TimeProvider.System, cancellationToken);
            var id = await metadata.WriteAsync(registry, static (db, name) => Begin(db, name), cancellationToken);
            var begun = await metadata.ReadAsync(0, static (db, _) => Count(db), cancellationToken);
            await FillAsync(new Target(id, new BlobFolder(data), blobs, metadata, time), begun, cancellationToken);
            await time.SaveAsync(metadata, cancellationToken);
            return await metadata.ReadAsync(0, static (db, _) => Count(db), cancellationToken);
        }
    }

    private static int Begin(MetadataSession db, string name)
    {
        db.Execute(Memory);
        return Registries.Ensure(db, name);
    }

    // Others may have pushed something beside it since.
    private static int Count(MetadataSession db)
    {
        const string Sql = "SELECT COUNT(*) FROM repositories r JOIN manifests m ON m.repository_id = r.id WHERE r.name >= 'large/' AND r.name < 'large0'";
        return (int)db.Prepare(Sql).QueryLong()!.Value;
    }

    private async Task FillAsync(Target target, int begun, CancellationToken cancellationToken)
    {
        var change = new List<Prepared>();
        var count = 0;
        for (var manifest = begun; manifest < plan.Manifests; manifest++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var prepared = await PrepareAsync(target, _images.Make(manifest), cancellationToken);
            change.Add(prepared);
            count += prepared.Blobs.Count + 1;
            if (count < MaxBlobsPerChange)
                continue;
            await SendAsync(target, change);
            (change, count) = ([], 0);
            report(new FillProgress(begun, manifest + 1, plan.Manifests, _clock.Elapsed));
        }
        if (change.Count > 0)
            await SendAsync(target, change);
        while (_waiting.TryDequeue(out var last))
            await last;
    }

    private async Task SendAsync(Target target, List<Prepared> change)
    {
        if (_waiting.Count >= MaxWaiting)
            await _waiting.Dequeue();
        // Changes are carried out in the order in which they are queued, so that an index comes behind its images.
        _waiting.Enqueue(target.Metadata.WriteAsync(
            (change, target.Registry, Now: target.Time.GetUtcNow().ToUnixTimeMilliseconds()), static (db, s) => Put(db, s.change, s.Registry, s.Now), CancellationToken.None));
    }

    private static async ValueTask<Prepared> PrepareAsync(Target target, FillImage image, CancellationToken cancellationToken)
    {
        var blobs = new List<StoredBlob>(image.Blobs.Count);
        foreach (var blob in image.Blobs)
            blobs.Add(await StoreAsync(target, blob, cancellationToken));
        var stored = await StoreAsync(target, image.Manifest, cancellationToken);
        if (!ManifestParser.TryParse(image.Manifest.Bytes, image.Manifest.MediaType, out var manifest, out var problem))
            throw new InvalidOperationException($"a manifest was made that is none: {problem}");
        return new Prepared(image, manifest, stored.Stamp, blobs);
    }

    private static async ValueTask<StoredBlob> StoreAsync(Target target, FillBlob blob, CancellationToken cancellationToken)
    {
        target.Folder.Put(blob.Digest, blob.Bytes);
        var status = await target.Blobs.FindStatusAsync(blob.Digest, cancellationToken);
        return new StoredBlob(blob.Digest, blob.Bytes.Length, status!.Value.Stamp);
    }

    private static int Put(MetadataSession db, List<Prepared> change, int registry, long nowMs)
    {
        foreach (var (image, manifest, stamp, blobs) in change)
        {
            var repository = new RepositoryKey(registry, image.Repository);
            foreach (var blob in blobs)
                BlobLinks.Add(db, repository, blob, nowMs);
            var closure = Manifests.Put(db, new ManifestPut(repository, image.Manifest.Digest, image.Manifest.Bytes, manifest, [image.Tag], stamp), nowMs);
            if (!closure.IsWhole)
                throw new InvalidOperationException($"{image.Repository}:{image.Tag} lacks {string.Join(", ", closure.Missing.Select(static edge => edge.Digest))}");
        }
        // As after the grace: a manifest has each of the links, and no lease is good any more.
        var later = new ReviewTimes(nowMs + 1, nowMs + 1, 0, 0);
        foreach (var row in LinkReviews.ListDue(db, later.DueMs, QueueRow.Start, int.MaxValue))
            LinkReviews.Judge(db, row, later);
        return change.Count;
    }

    private sealed record Target(int Registry, BlobFolder Folder, IBlobStore Blobs, MetadataDatabase Metadata, StoreTime Time);

    private sealed record Prepared(FillImage Image, Manifest Manifest, long Stamp, IReadOnlyList<StoredBlob> Blobs);
}

/// <param name="Begun">Manifests that were there before.</param>
internal readonly record struct FillProgress(int Begun, int Done, int Total, TimeSpan Elapsed)
{
    public double PerSecond => (Done - Begun) / Math.Max(Elapsed.TotalSeconds, 0.001);

    public TimeSpan Left => TimeSpan.FromSeconds((Total - Done) / Math.Max(PerSecond, 1));
}
