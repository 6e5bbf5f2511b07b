using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Storage;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Metadata;
using Microsoft.Extensions.Logging;

namespace Holdfast.Server.Caching;

/// <summary>What all fetches of all caches share: the stores, the room on the disk, and where it is told what went wrong.</summary>
internal sealed partial class FetchRoom(ContentStores stores, DiskReserve reserve, IncidentBook incidents, TimeProvider time, ILogger<FetchRoom> log)
{
    private const string FullSubject = "caches";

    public ContentStores Stores => stores;

    /// <summary>Ends all fetches.</summary>
    public required CancellationToken Stopping { get; init; }

    /// <summary>Is told of all that is stored.</summary>
    public Func<Cache, long, Task> Stored { get; set; } = static (_, _) => Task.CompletedTask;

    public long NowMs => time.GetUtcNow().ToUnixTimeMilliseconds();

    public TimeProvider Time => time;

    /// <summary>Is there nothing to store anything in?</summary>
    public bool IsAway => stores.Blobs.FindFault() is not null;

    /// <summary>Takes room for bytes; false if they would leave less than the disk's reserve.</summary>
    public bool TryTake(long bytes) => reserve.TryTake(bytes);

    public ValueTask<BlobWriter> OpenUploadAsync(DigestAlgorithm algorithm) => stores.Blobs.OpenUploadAsync(Guid.NewGuid(), algorithm, CancellationToken.None);

    public async ValueTask RemoveUploadAsync(Guid upload)
    {
        try
        {
            await stores.Blobs.RemoveUploadAsync(upload, CancellationToken.None);
        }
        catch (IOException e)
        {
            LogLeft(log, e, upload); // The next start removes it.
        }
    }

    /// <summary>What was fetched is handed on without being kept. An incident until something can be kept again.</summary>
    public void NoteFull(Cache cache) => incidents.Report(
        IncidentKind.CacheFull, FullSubject,
        $"there is no room to keep what cache {cache.Name} fetches: clients get it straight from the upstream. Free some room, lower disk.reserve or give the caches a size.max");

    /// <param name="problem">Null: it holds what it may.</param>
    public void NoteOverBound(string name, string? problem) => incidents.Report(IncidentKind.CacheFull, $"{FullSubject}/{name}", problem);

    public void NoteRoom() => incidents.Report(IncidentKind.CacheFull, FullSubject, null);

    public void NoteTrouble(Cache cache, Digest digest, Exception cause) => LogTrouble(log, cause, cache.Name, digest);

    public void NoteUnreadable(Cache cache, Digest digest, IOException cause) => LogUnreadable(log, cause, cache.Name, digest);

    public void NoteWrong(Cache cache, string detail)
    {
        CacheMetrics.Wrong(cache.Name);
        LogWrong(log, cache.Name, detail);
        cache.Note(new Client.RegistryFailure(Client.RegistryOutcome.Mismatch, detail));
    }

    /// <summary>Something more is in the store; returns when it holds no more than it may.</summary>
    public async Task NoteStoredAsync(Cache cache, long bytes)
    {
        try
        {
            await Stored(cache, bytes);
        }
        catch (Exception e)
        {
            if (!Stopping.IsCancellationRequested)
                LogNotTrimmed(log, e); // The next look, within a minute, lets go of it.
        }
    }

    public void Healed(IReadOnlyList<Incident> healed) => incidents.Note(healed);

    [LoggerMessage(1200, LogLevel.Error, "cache {Cache}: {Digest} could not be kept")]
    private static partial void LogTrouble(ILogger logger, Exception cause, string cache, Digest digest);

    [LoggerMessage(1201, LogLevel.Error, "cache {Cache}: the upstream sent wrong bytes, which were not kept: {Detail}")]
    private static partial void LogWrong(ILogger logger, string cache, string detail);

    [LoggerMessage(1204, LogLevel.Error, "cache {Cache}: what was fetched of {Digest} could not be read back from the disk; the clients that waited for it were cut off")]
    private static partial void LogUnreadable(ILogger logger, Exception cause, string cache, Digest digest);

    [LoggerMessage(1203, LogLevel.Error, "letting go of what is too much in the caches failed; it is tried again soon")]
    private static partial void LogNotTrimmed(ILogger logger, Exception cause);

    [LoggerMessage(1202, LogLevel.Warning, "the upload {Upload} of a fetch could not be removed; the next start does")]
    private static partial void LogLeft(ILogger logger, Exception cause, Guid upload);
}
