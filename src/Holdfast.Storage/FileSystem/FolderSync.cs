using Holdfast.Storage.Native;

namespace Holdfast.Storage.FileSystem;

/// <summary>
/// Syncs one folder for many callers: a sync that starts after a caller's rename serves that caller, whoever started it.
/// A failed sync fails everyone it was to serve and is never retried for them.
/// </summary>
internal sealed class FolderSync(string path)
{
    private readonly object _gate = new();
    private long _started;
    private long _finished;
    private long _failed;
    private IOException? _error;

    public string Path => path;

    /// <summary>What was renamed into or removed from the folder before this call is on the disk when it returns.</summary>
    public void Sync()
    {
        lock (_gate)
        {
            var served = _started + 1;
            while (_finished < served && _started > _finished)
                Monitor.Wait(_gate);
            if (_failed >= served)
                throw new IOException($"the folder '{path}' could not be synced", _error);
            if (_finished >= served)
                return;
            _started++;
        }
        SyncForAll();
    }

    private void SyncForAll()
    {
        IOException? error = null;
        try
        {
            Posix.SyncFolder(path);
        }
        catch (IOException e)
        {
            error = e;
        }
        lock (_gate)
        {
            _finished = _started;
            if (error is not null)
                (_failed, _error) = (_started, error);
            Monitor.PulseAll(_gate);
        }
        if (error is not null)
            throw error;
    }
}
