using System.Runtime.CompilerServices;
using Holdfast.Oci;
using Holdfast.Storage.Blobs;
using Simulation.Scheduling;

namespace Simulation.Disk;

/// <summary>
/// A blob store over a <see cref="SimulatedDisk"/>, step by step like the one over files: each step waits for its turn, can fail, and a power cut
/// can come before it.
/// </summary>
/// <param name="schedule">Null: every step is done at once.</param>
internal sealed class SimulatedBlobStore(SimulatedDisk disk, Schedule? schedule) : IBlobStore
{
    public SimulatedDisk Disk => disk;

    public async ValueTask<long?> FindSizeAsync(Digest digest, CancellationToken cancellationToken) =>
        (await FindStatusAsync(digest, cancellationToken))?.SizeBytes;

    public async ValueTask<BlobReader?> OpenAsync(Digest digest, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await StepAsync("open", digest, Faults.InputOutput);
        lock (disk)
            return Look(digest) is { } file ? new SimulatedReader(this, file) : null;
    }

    public async ValueTask<BlobStatus?> FindStatusAsync(Digest digest, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await StepAsync("stat", digest, Faults.InputOutput);
        lock (disk)
            return Look(digest) is { } file ? new BlobStatus(file.Bytes.Length, file.Stamp) : null;
    }

    public async ValueTask<BlobWriter> OpenUploadAsync(Guid upload, DigestAlgorithm algorithm, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await StepAsync("open upload", default, Faults.InputOutput);
        lock (disk)
            return new SimulatedWriter(this, upload, disk.Uploads.GetValueOrDefault(upload)?.Now);
    }

    public async IAsyncEnumerable<StoredUpload> ListUploadsAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await StepAsync("list uploads", default, Faults.InputOutput);
        List<StoredUpload> found;
        lock (disk)
        {
            found = [.. disk.Uploads.Where(name => name.Value.Now is not null)
                .Select(name => new StoredUpload(name.Key, name.Value.Now!.Bytes.Length, name.Value.Now.Changed))];
        }
        foreach (var upload in found)
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return upload;
        }
    }

    public async ValueTask RemoveUploadAsync(Guid upload, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await StepAsync("remove upload", default, Faults.InputOutput);
        lock (disk)
            disk.Remove(upload);
    }

    public async IAsyncEnumerable<StoredName> ListAsync(string? after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await StepAsync("list blobs", default, Faults.InputOutput);
        List<StoredName> found;
        lock (disk)
        {
            found = [.. disk.Blobs.Where(name => name.Value.Now is not null)
                .Select(name => new StoredName(PathOf(name.Key), name.Key, name.Value.Now!.Bytes.Length, name.Value.Now.Changed))
                .Where(name => after is null || string.CompareOrdinal(name.Name, after) > 0)
                .OrderBy(name => name.Name, StringComparer.Ordinal)];
        }
        foreach (var name in found)
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return name;
        }
    }

    public async ValueTask SyncAsync(Digest digest, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await StepAsync("sync bytes", digest, Faults.InputOutput);
        lock (disk)
        {
            if (disk.Find(digest) is not { } file)
                return;
            file.Synced = file.Bytes;
        }
        await StepAsync("sync folder", digest, Faults.InputOutput);
        lock (disk)
            disk.SyncFolder(digest);
    }

    public async ValueTask<string?> QuarantineAsync(Digest digest, DateTimeOffset now, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var target = $"{digest}.{now.ToUnixTimeMilliseconds()}";
        await StepAsync("quarantine", digest, Faults.Any);
        lock (disk)
        {
            if (disk.Find(digest) is null)
                return null;
            disk.Rename(digest, target);
        }
        await StepAsync("sync quarantine", digest, Faults.InputOutput);
        lock (disk)
            disk.SyncFolder(target);
        await StepAsync("sync folder", digest, Faults.InputOutput);
        lock (disk)
            disk.SyncFolder(digest);
        return $"quarantine/{target}";
    }

    // Only the last one's folder is synced, so that a crash brings back others.
    public async ValueTask<IReadOnlyList<UnremovedBlob>> RemoveAsync(IReadOnlyList<Digest> digests, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var unremoved = new List<UnremovedBlob>();
        foreach (var digest in digests)
        {
            try
            {
                await StepAsync("remove", digest, Faults.InputOutput);
                lock (disk)
                    disk.Remove(digest);
            }
            catch (IOException e)
            {
                unremoved.Add(new UnremovedBlob(digest, e));
            }
        }
        try
        {
            await StepAsync("sync folder", digests[^1], Faults.InputOutput);
            lock (disk)
                disk.SyncFolder(digests[^1]);
        }
        catch (IOException e)
        {
            return [.. digests.Select(digest => new UnremovedBlob(digest, e))];
        }
        return unremoved;
    }

    public BlobReader ReaderOf(SimulatedFile file) => new SimulatedReader(this, file);

    public StoreSpace? MeasureSpace() => null;

    public ValueTask DisposeAsync() => default;

    /// <summary>Waits for the turn of one step. What it says about a digest is only for the trace.</summary>
    public Call StepAsync(string what, Digest digest, Faults faults)
    {
        if (schedule is null)
            return Call.Done;
        return schedule.Wait(schedule.Trace is null || digest.IsNone ? what : $"{what} {Content.NameOf(digest)}", faults);
    }

    private SimulatedFile? Look(Digest digest) =>
        disk.Unreadable.Contains(digest) ? throw new IOException("simulated: unreadable") : disk.Find(digest);

    private static string PathOf(Digest digest) => $"blobs/{digest.Algorithm.Name()}/{digest.Hex[..2]}/{digest.Hex}";

    private sealed class SimulatedReader(SimulatedBlobStore store, SimulatedFile file) : BlobReader
    {
        public override long SizeBytes { get; } = file.Bytes.Length;

        public override long Stamp { get; } = file.Stamp;

        public override ValueTask<bool> WasChangedAsync(CancellationToken cancellationToken) => new(file.HasName && file.Stamp != Stamp);

        public override async ValueTask<int> ReadAsync(long offsetBytes, Memory<byte> buffer, CancellationToken cancellationToken)
        {
            cancellationToken.ThrowIfCancellationRequested();
            await store.StepAsync("read", default, Faults.InputOutput);
            var rest = file.Bytes.AsSpan((int)Math.Min(offsetBytes, file.Bytes.Length));
            var read = Math.Min(rest.Length, buffer.Length);
            rest[..read].CopyTo(buffer.Span);
            return read;
        }

        public override ValueTask DisposeAsync() => default;
    }
}
