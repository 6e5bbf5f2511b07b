using Holdfast.Storage.Blobs;
using Holdfast.Storage.Metadata;

namespace Holdfast.Storage;

/// <summary>Removes the upload sessions that a crash or age has ended. Runs at start, before any session is opened.</summary>
public static class StartupCleanup
{
    /// <param name="maxAge">Since a session's last byte or its start, whichever is later.</param>
    /// <exception cref="IOException">Something could not be listed or removed.</exception>
    public static async Task<StartupReport> RunAsync(
        IBlobStore blobs, MetadataDatabase database, TimeSpan maxAge, StoreTime time, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var oldest = DateTimeOffset.FromUnixTimeMilliseconds(time.Look().AgoMs(maxAge));
        var rows = await database.ReadAsync(0, static (session, _) => Uploads.List(session), cancellationToken);
        var sessions = rows.ToDictionary(row => row.Id, row => (LastUse: row.StartedAt, HasBytes: false));
        var (unknown, unknownBytes, expired, expiredBytes) = (0, 0L, 0, 0L);
        await foreach (var upload in blobs.ListUploadsAsync(cancellationToken))
        {
            if (!sessions.TryGetValue(upload.Upload, out var session))
            {
                await blobs.RemoveUploadAsync(upload.Upload, cancellationToken);
                unknown++;
                unknownBytes += upload.SizeBytes;
                continue;
            }
            // A file that was written in the future was written by a wrong clock.
            var lastUse = upload.LastWrite > session.LastUse && upload.LastWrite <= now ? upload.LastWrite : session.LastUse;
            sessions[upload.Upload] = (lastUse, true);
            if (lastUse < oldest)
            {
                await blobs.RemoveUploadAsync(upload.Upload, cancellationToken);
                expiredBytes += upload.SizeBytes;
            }
        }
        var ended = sessions.Where(session => session.Value.LastUse < oldest).Select(session => session.Key).ToList();
        expired = ended.Count;
        if (expired > 0)
            await database.WriteAsync(ended, static (session, ids) => Remove(session, ids), cancellationToken);
        return new StartupReport(unknown, unknownBytes, expired, expiredBytes, sessions.Count - expired);
    }

    private static int Remove(MetadataSession session, List<Guid> ids)
    {
        foreach (var id in ids)
            Uploads.Remove(session, id);
        return ids.Count;
    }
}

/// <summary>What <see cref="StartupCleanup"/> did.</summary>
/// <param name="UnknownUploads">Removed: bytes of which no session is known (a crash before the row, or a commit cut short).</param>
/// <param name="UnknownBytes">Their size.</param>
/// <param name="ExpiredUploads">Removed: sessions past their age.</param>
/// <param name="ExpiredBytes">Their size.</param>
/// <param name="KeptUploads">Sessions that clients may go on with.</param>
public sealed record StartupReport(int UnknownUploads, long UnknownBytes, int ExpiredUploads, long ExpiredBytes, int KeptUploads);
