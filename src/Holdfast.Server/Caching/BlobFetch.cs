using System.Buffers;
using Holdfast.Client;
using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Storage;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Caching;

/// <summary>
/// One request to the upstream for one blob, and everyone who waits for it: bytes go to the disk, through the hash and to the readers as they arrive. It ends by itself when it is
/// stored, when it failed, or when nobody waits any more and too much is still to come.
/// </summary>
internal sealed class BlobFetch : IAsyncDisposable
{
    private const int ChunkBytes = 256 * 1024;

    private readonly Cache _cache;
    private readonly RepositoryName _repository;
    private readonly Digest _digest;
    private readonly FetchRoom _room;
    private readonly FetchedBytes _bytes;
    private readonly CancellationTokenSource _abandon;
    private readonly TaskCompletionSource<RegistryFailure?> _opening = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private BlobWriter? _writer;
    private RunningHash? _ownHash;
    private bool _isOver;
    private bool _stored;

    public BlobFetch(Cache cache, RepositoryName repository, Digest digest, FetchRoom room)
    {
        (_cache, _repository, _digest, _room) = (cache, repository, digest, room);
        _abandon = CancellationTokenSource.CreateLinkedTokenSource(room.Stopping);
        _bytes = new FetchedBytes { IsTooMuch = IsTooMuch, Abandon = Abandon, Unreadable = fault => room.NoteUnreadable(cache, digest, fault) };
    }

    /// <summary>Null once bytes may come; else why none will.</summary>
    public Task<RegistryFailure?> Opening => _opening.Task;

    /// <summary>Is it in the store? After its end.</summary>
    public bool IsStored => _stored;

    /// <summary>Was it there already, since another fetch had just ended, so that nothing comes from here? Known after <see cref="Opening"/>.</summary>
    public bool WasStored { get; private set; }

    /// <summary>Is what the store has of no use, so that it is fetched whatever is there?</summary>
    public bool Anew { get; init; }

    public Cache Cache => _cache;

    /// <summary>As the upstream states it; null if it did not say. Known after <see cref="Opening"/>.</summary>
    public long? SizeBytes { get; private set; }

    /// <returns>Null if this fetch can't be joined any more.</returns>
    public FetchReader? TryJoin() => _abandon.IsCancellationRequested ? null : _bytes.TryJoin();

    /// <summary>Runs it to its end, whatever that is; never fails.</summary>
    public async Task RunAsync()
    {
        await Task.Yield();
        try
        {
            if (!Anew && await IsLinkedAsync())
            {
                (WasStored, _stored) = (true, true);
                _bytes.Fail(new IOException("it is in the store"));
                _opening.TrySetResult(null);
                return;
            }
            var opened = await _cache.Upstream.OpenBlobAsync(_repository, _digest, _abandon.Token);
            _cache.Note(opened.Failure);
            if (!opened.TryGet(out var blob, out var failure))
            {
                Fail(failure);
                return;
            }
            await using (blob)
                await ReceiveAsync(blob);
            await CommitAsync();
        }
        catch (BlobBrokenException e)
        {
            Fail(e.Failure);
            _cache.Note(e.Failure);
        }
        catch (Exception e)
        {
            Fail(new FetchFailure(e));
            if (e is StoreFullException)
                _room.NoteFull(_cache);
            else if (!_abandon.IsCancellationRequested)
                _room.NoteTrouble(_cache, _digest, e);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Fail(new FetchFailure(new IOException("the fetch has ended")));
        lock (_abandon)
            _isOver = true;
        await _bytes.DisposeAsync();
        if (_writer is not null)
        {
            await _writer.DisposeAsync();
            await _room.RemoveUploadAsync(_writer.Upload);
        }
        _ownHash?.Dispose();
        _abandon.Dispose();
    }

    // Who missed it may have looked before another fetch stored it, and have come here after that one's end.
    private async ValueTask<bool> IsLinkedAsync() => await _room.Stores.Metadata.ReadAsync(
        (key: new RepositoryKey(_cache.Registry.Id, _repository), _digest), static (db, s) => BlobLinks.Find(db, s.key, s._digest), _abandon.Token) is not null;

    private async Task ReceiveAsync(RemoteBlob blob)
    {
        SizeBytes = blob.SizeBytes;
        _bytes.SetSize(blob.SizeBytes);
        await OpenFileAsync();
        // What is too small to be cut before its end is answered only when it is known to be right.
        if (blob.SizeBytes is not <= FetchedBytes.HoldBytes)
            _opening.TrySetResult(null);
        await ReceiveAllAsync(blob.Content);
        if (SizeBytes is { } stated && _bytes.ReceivedBytes != stated)
            throw Wrong($"{_bytes.ReceivedBytes} bytes came for {_digest} instead of {stated}");
        if (!(_ownHash is null && _writer is not null ? await _writer.MatchesAsync(_digest, CancellationToken.None) : (_ownHash ??= new RunningHash(_digest.Algorithm)).Current() == _digest))
            throw Wrong($"the {_bytes.ReceivedBytes} bytes that came for {_digest} have another hash");
        SizeBytes = _bytes.ReceivedBytes;
        _bytes.Release();
        _opening.TrySetResult(null);
        CacheMetrics.Fetched(_cache.Name, _bytes.ReceivedBytes);
    }

    // While one chunk is hashed and written, the next is received.
    private async Task ReceiveAllAsync(Stream content)
    {
        var (filling, storing) = (ArrayPool<byte>.Shared.Rent(ChunkBytes), ArrayPool<byte>.Shared.Rent(ChunkBytes));
        var reading = content.ReadAsync(filling, _abandon.Token).AsTask();
        try
        {
            while (await reading is var read and > 0)
            {
                (filling, storing) = (storing, filling);
                reading = content.ReadAsync(filling, _abandon.Token).AsTask();
                await AppendAsync(storing.AsMemory(0, read));
            }
        }
        finally
        {
            // Nothing may write into a buffer that others have by then.
            if (!reading.IsCompleted)
                Abandon();
            await ((Task)reading).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
            ArrayPool<byte>.Shared.Return(filling);
            ArrayPool<byte>.Shared.Return(storing);
        }
    }

    private async ValueTask AppendAsync(ReadOnlyMemory<byte> bytes)
    {
        if (_writer is not null && _ownHash is null && _room.TryTake(bytes.Length) && await TryWriteAsync(bytes))
        {
            _bytes.NoteWritten(bytes.Length);
            return;
        }
        if (_ownHash is null)
            await GoStraightThroughAsync();
        _ownHash!.Append(bytes.Span);
        await _bytes.HoldAsync(bytes, _abandon.Token);
    }

    private async ValueTask<bool> TryWriteAsync(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            await _writer!.AppendAsync(bytes, CancellationToken.None);
            return true;
        }
        catch (IOException e)
        {
            if (e is not StoreFullException)
                _room.NoteTrouble(_cache, _digest, e);
            return false;
        }
    }

    private async ValueTask OpenFileAsync()
    {
        if (!_room.TryTake(0) || _room.IsAway)
            return;
        try
        {
            _writer = await _room.OpenUploadAsync(_digest.Algorithm);
            _bytes.UseFile(await _writer.OpenReaderAsync(CancellationToken.None));
        }
        catch (IOException e)
        {
            _room.NoteTrouble(_cache, _digest, e);
            if (_writer is not null)
                await _writer.DisposeAsync();
            _writer = null;
        }
    }

    // The disk has no room for it: the clients get it all the same. What is in the file is hashed once more, to go on with.
    private async ValueTask GoStraightThroughAsync()
    {
        _room.NoteFull(_cache);
        var hash = new RunningHash(_digest.Algorithm);
        var (buffer, end) = (ArrayPool<byte>.Shared.Rent(ChunkBytes), _bytes.ReceivedBytes);
        try
        {
            for (var offset = 0L; offset < end;)
            {
                var read = await _bytes.ReadWrittenAsync(offset, buffer.AsMemory(0, (int)Math.Min(ChunkBytes, end - offset)));
                if (read == 0)
                    throw new IOException("what was fetched is no longer where it was written");
                hash.Append(buffer.AsSpan(0, read));
                offset += read;
            }
            _ownHash = hash;
        }
        catch
        {
            hash.Dispose();
            throw;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task CommitAsync()
    {
        // Hashed were the bytes that came. If the disk has lost some of them since, nobody knows what it would keep.
        if (_writer is null || _ownHash is not null || _bytes.IsUnreadable)
            return;
        using var holder = await _room.Stores.Locks.EnterAsync(_digest, CancellationToken.None);
        if (await _writer.CommitAsync(_digest, CancellationToken.None) != BlobCommitOutcome.Stored)
            throw new InvalidOperationException($"the bytes of {_digest} changed after they were checked");
        var blob = new StoredBlob(_digest, _bytes.ReceivedBytes, _writer.Stamp);
        var key = new RepositoryKey(_cache.Registry.Id, _repository);
        _room.Healed(await _room.Stores.Metadata.WriteAsync(
            (key, blob, now: _room.NowMs),
            static (db, s) =>
            {
                CachedManifests.Link(db, s.key, s.blob, s.now);
                return Storage.Metadata.Incidents.HealBytes(db, s.blob.Digest, "upstream", s.now);
            },
            CancellationToken.None));
        _room.NoteRoom();
        _stored = true;
    }

    // Of a blob whose size isn't stated nobody knows what is still to come: as many bytes are fetched for nobody, and not one more.
    private bool IsTooMuch(long received, long forNobody) =>
        _ownHash is not null || (SizeBytes is { } size ? size - received > _cache.Options.FinishBytes : forNobody >= _cache.Options.FinishBytes);

    private void Abandon()
    {
        lock (_abandon)
        {
            if (!_isOver)
                _abandon.Cancel();
        }
    }

    private FetchFailure Wrong(string detail)
    {
        var failure = new FetchFailure(new InvalidDataException(detail));
        _room.NoteWrong(_cache, detail);
        return failure;
    }

    private void Fail(RegistryFailure failure)
    {
        _opening.TrySetResult(failure);
        _bytes.Fail(new IOException(failure.Detail));
    }

    private void Fail(FetchFailure failure)
    {
        _opening.TrySetResult(failure.ForClients);
        _bytes.Fail(failure);
    }
}
