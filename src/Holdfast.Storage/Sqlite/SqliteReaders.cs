using System.Collections.Concurrent;
using Holdfast.Storage.Metadata;

namespace Holdfast.Storage.Sqlite;

/// <summary>Read connections, each lent to one query at a time. A query runs on its caller's thread, so there are never many.</summary>
internal sealed class SqliteReaders(string file) : IDisposable
{
    // Beyond this a returned connection is closed: a burst leaves no handles and caches behind.
    private const int MaxIdle = 32;

    private readonly ConcurrentStack<MetadataSession> _idle = new();
    private volatile MetadataSession? _last;
    private volatile bool _disposed;

    public MetadataSession Rent()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return Interlocked.Exchange(ref _last, null) ?? (_idle.TryPop(out var session) ? session : SqliteConnections.OpenReader(file));
    }

    public void Return(MetadataSession session)
    {
        if (Interlocked.CompareExchange(ref _last, session, null) is not null)
        {
            if (_idle.Count < MaxIdle)
                _idle.Push(session);
            else
                session.Dispose();
        }
        if (_disposed)
            CloseIdle();
    }

    public void Dispose()
    {
        _disposed = true;
        CloseIdle();
    }

    private void CloseIdle()
    {
        Interlocked.Exchange(ref _last, null)?.Dispose();
        while (_idle.TryPop(out var session))
            session.Dispose();
    }
}
