using System.Collections.Concurrent;
using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Storage;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Metadata;
using Microsoft.Extensions.Logging;

namespace Holdfast.Server.Uploads;

/// <summary>
/// The open uploads of all registries, bounded in number and age (P10). A session is remembered by a row in the database and by its bytes
/// in the blob store, so that it goes on after a restart; the hash state is then made again from the bytes.
/// </summary>
internal sealed partial class UploadSessions : IAsyncDisposable
{
    // A client whose connection died may come back before the server noticed; it should then wait for its turn, not be turned away.
    private static readonly TimeSpan TurnTimeout = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<Guid, UploadSession> _open = new();
    private readonly MetadataDatabase _metadata;
    private readonly IBlobStore _blobs;
    private readonly UploadOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<UploadSessions> _log;
    private readonly ITimer _sweep;
    private int _count;

    public UploadSessions(ContentStores stores, UploadOptions options, TimeProvider time, ILogger<UploadSessions> log)
    {
        (_blobs, _metadata) = stores;
        (_options, _time, _log) = (options, time, log);
        var period = TimeSpan.FromTicks(Math.Clamp(options.MaxAge.Ticks / 10, TimeSpan.TicksPerSecond, TimeSpan.TicksPerMinute * 10));
        _sweep = time.CreateTimer(static sessions => ((UploadSessions)sessions!).Sweep(), this, period, period);
        UploadMetrics.Track(this, () => _count);
    }

    /// <summary>Takes up the sessions that a former process left; they count and expire like new ones. Runs before any request.</summary>
    public async Task RestoreAsync(CancellationToken cancellationToken)
    {
        var rows = await _metadata.ReadAsync(0, static (db, _) => Storage.Metadata.Uploads.List(db), cancellationToken);
        var now = _time.GetTimestamp();
        foreach (var row in rows)
            _open[row.Id] = new UploadSession(row.Id, row.Repository, row.Algorithm) { LastUsed = now };
        _count = _open.Count;
    }

    /// <summary>Is a client pushing into this upload, or may it come back to?</summary>
    public bool IsOpen(Guid upload) => _open.ContainsKey(upload);

    /// <returns>The new session, or null if as many are open as may be.</returns>
    public UploadSession? Open(RepositoryKey repository, DigestAlgorithm algorithm)
    {
        if (Interlocked.Increment(ref _count) > _options.MaxOpen)
        {
            Interlocked.Decrement(ref _count);
            return null;
        }
        var session = new UploadSession(Guid.NewGuid(), repository, algorithm) { LastUsed = _time.GetTimestamp() };
        _open[session.Id] = session;
        // Not awaited: what a crash takes with the row is an upload of which no byte was acknowledged yet.
        _ = ObserveAsync(_metadata.WriteAsync(
            new UploadRow(session.Id, repository, algorithm, _time.GetUtcNow()),
            static (db, row) =>
            {
                Storage.Metadata.Uploads.Add(db, row);
                return true;
            },
            CancellationToken.None));
        return session;
    }

    /// <summary>Waits for a turn on a session. The caller must give it back by <see cref="LeaveAsync"/> or end the session.</summary>
    /// <returns>The session; null with <see cref="Outcome.UploadUnknown"/> or <see cref="Outcome.UploadBusy"/>.</returns>
    public async ValueTask<(UploadSession? Session, Outcome Outcome)> EnterAsync(
        RepositoryKey repository, string id, CancellationToken cancellationToken)
    {
        if (!Guid.TryParseExact(id, "D", out var upload) || !_open.TryGetValue(upload, out var session) || session.Repository != repository)
            return (null, Outcome.UploadUnknown);
        if (!await session.Turn.WaitAsync(TurnTimeout, cancellationToken))
            return (null, Outcome.UploadBusy);
        if (session.IsClosed)
        {
            session.Turn.Release();
            return (null, Outcome.UploadUnknown);
        }
        try
        {
            session.Writer ??= await _blobs.OpenUploadAsync(session.Id, session.Algorithm, cancellationToken);
            return (session, default);
        }
        catch
        {
            session.Turn.Release();
            throw;
        }
    }

    /// <summary>Gives a turn back and keeps the session.</summary>
    public async ValueTask LeaveAsync(UploadSession session)
    {
        try
        {
            if (session.Writer is not null)
                await session.Writer.ParkAsync();
        }
        finally
        {
            session.LastUsed = _time.GetTimestamp();
            session.Turn.Release();
        }
    }

    /// <summary>A write failed half-way: the bytes on disk are the truth, so the next turn reads them again.</summary>
    public static async ValueTask ForgetWriterAsync(UploadSession session)
    {
        if (session.Writer is not null)
            await session.Writer.DisposeAsync();
        session.Writer = null;
    }

    /// <summary>Ends a session whose bytes became a blob; its row went with the blob's commit.</summary>
    public async ValueTask CloseAsync(UploadSession session)
    {
        session.IsClosed = true;
        if (_open.TryRemove(session.Id, out _))
            Interlocked.Decrement(ref _count);
        await ForgetWriterAsync(session);
        session.Turn.Release();
    }

    /// <summary>Ends a session and removes its bytes and its row (end-14, or after a wrong digest).</summary>
    public async ValueTask CancelAsync(UploadSession session)
    {
        try
        {
            await ForgetWriterAsync(session);
            await _blobs.RemoveUploadAsync(session.Id, CancellationToken.None);
            await _metadata.WriteAsync(session.Id, RemoveRow, CancellationToken.None);
        }
        finally
        {
            await CloseAsync(session);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _sweep.DisposeAsync();
        UploadMetrics.Untrack(this);
        foreach (var session in _open.Values)
            await ForgetWriterAsync(session);
        _open.Clear();
    }

    private void Sweep()
    {
        foreach (var session in _open.Values)
        {
            if (!IsOld(session) || !session.Turn.Wait(0))
                continue;
            // Asked again: a request may have ended between the two.
            if (IsOld(session))
                _ = ObserveAsync(ExpireAsync(session));
            else
                session.Turn.Release();
        }
    }

    private bool IsOld(UploadSession session) => _time.GetElapsedTime(session.LastUsed) > _options.MaxAge;

    private async Task ExpireAsync(UploadSession session)
    {
        LogExpired(_log, session.Id, session.Repository.Name.ToString(), session.Writer?.SizeBytes ?? 0);
        await CancelAsync(session);
    }

    private async Task ObserveAsync(Task task)
    {
        try
        {
            await task;
        }
        catch (Exception failure)
        {
            LogFailed(_log, failure);
        }
    }

    private static bool RemoveRow(MetadataSession db, Guid id)
    {
        Storage.Metadata.Uploads.Remove(db, id);
        return true;
    }

    [LoggerMessage(300, LogLevel.Information, "upload {Id} into {Repository} was not touched for too long; its {Bytes} bytes are removed")]
    private static partial void LogExpired(ILogger log, Guid id, string repository, long bytes);

    [LoggerMessage(301, LogLevel.Error, "the row of an upload session could not be written")]
    private static partial void LogFailed(ILogger log, Exception exception);
}
