using Holdfast.Oci;
using Holdfast.Storage.Metadata;
using Microsoft.Extensions.Logging;

namespace Holdfast.Server.Http;

/// <summary>
/// Writes down that blobs were hashed and right, beside pulls and scrub: what comes while a write runs is the next write. Lost at a crash, which
/// costs another hash and nothing else.
/// </summary>
internal sealed partial class Renewals(MetadataDatabase metadata, Findings findings, TimeProvider time, ILogger<Renewals> log) : IAsyncDisposable
{
    // A pull that finds this many waiting leaves its own out.
    private const int MaxWaiting = 10_000;

    // A change of so many takes the database's writer about as long as its sync.
    private const int BatchRows = 100;

    private readonly Lock _lock = new();
    private Dictionary<Digest, Renewal> _waiting = [];
    private Task _writing = Task.CompletedTask;

    /// <param name="blob">What was hashed.</param>
    /// <param name="stampBefore">What its row said.</param>
    /// <returns>Ends when it is written; never fails.</returns>
    public Task Add(StoredBlob blob, long stampBefore)
    {
        lock (_lock)
        {
            Put(blob, stampBefore);
            return Write();
        }
    }

    /// <summary>As <see cref="Add"/>, but nobody waits for it: written when there are many, or with <see cref="FlushAsync"/>, since each write costs a sync.</summary>
    public void Gather(StoredBlob blob, long stampBefore)
    {
        lock (_lock)
        {
            Put(blob, stampBefore);
            if (_waiting.Count >= BatchRows)
                _ = Write();
        }
    }

    /// <summary>Ends when all that was added before is written.</summary>
    public Task FlushAsync()
    {
        lock (_lock)
            return _waiting.Count == 0 ? _writing : Write();
    }

    private void Put(StoredBlob blob, long stampBefore)
    {
        if (_waiting.Count < MaxWaiting)
            _waiting[blob.Digest] = new Renewal(blob, stampBefore, time.GetUtcNow().ToUnixTimeMilliseconds());
    }

    private Task Write() => _writing.IsCompleted ? _writing = WriteAsync() : _writing;

    public async ValueTask DisposeAsync() => await FlushAsync();

    private async Task WriteAsync()
    {
        await Task.Yield();
        while (Take() is { Count: > 0 } batch)
        {
            try
            {
                foreach (var rows in batch.Values.Chunk(BatchRows))
                    findings.Note(await metadata.WriteAsync(rows, static (db, renewals) => Note(db, renewals), CancellationToken.None));
            }
            catch (Exception e)
            {
                LogLost(log, e, batch.Count);
            }
        }
    }

    private Dictionary<Digest, Renewal> Take()
    {
        lock (_lock)
        {
            var taken = _waiting;
            _waiting = [];
            // Under the lock: what is added from now on must start a write of its own.
            if (taken.Count == 0)
                _writing = Task.CompletedTask;
            return taken;
        }
    }

    private static List<Incident> Note(MetadataSession session, Renewal[] renewals)
    {
        var healed = new List<Incident>();
        foreach (var (blob, before, at) in renewals)
            healed.AddRange(BlobChecks.NoteRight(session, blob, before, "check", at));
        return healed;
    }

    private readonly record struct Renewal(StoredBlob Blob, long StampBefore, long AtMs);

    [LoggerMessage(521, LogLevel.Warning, "that {Count} pulled blobs were right could not be written down; they are hashed again when they are pulled")]
    private static partial void LogLost(ILogger log, Exception cause, int count);
}
