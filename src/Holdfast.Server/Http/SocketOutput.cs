using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Holdfast.Storage.Blobs;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace Holdfast.Server.Http;

/// <summary>
/// A connection's way out, in the place of the transport's pipe: what is flushed goes to the socket on the flusher's own thread. A flush is done when the
/// socket has taken everything, so that between two of them a blob's bytes can be handed to the socket by the kernel alone (ADR 10).
/// </summary>
internal sealed class SocketOutput : PipeWriter
{
    /// <summary>The most that <see cref="Send"/> hands over at once.</summary>
    public const int MaxSendBytes = 1 << 20;

    // Stands for bytes that are on their way already; nobody writes to it or reads it.
    private static readonly byte[] Scratch = GC.AllocateUninitializedArray<byte>(MaxSendBytes);

    private readonly Socket _socket;
    private readonly ConnectionContext _connection;
    private readonly MemoryPool<byte> _pool;
    private IMemoryOwner<byte>? _block;
    private byte[]? _large; // Instead of the block, for what is larger.
    private int _written;
    private Skip _skip;
    private volatile bool _isBroken;
    private volatile bool _isSending;
    private TaskCompletionSource? _idle;

    private SocketOutput(Socket socket, ConnectionContext connection, MemoryPool<byte> pool) => (_socket, _connection, _pool) = (socket, connection, pool);

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => _written;

    private Memory<byte> Buffer => _large ?? _block?.Memory ?? default;

    /// <summary>Serves a connection with its own output in place of the transport's.</summary>
    /// <param name="offer">Told of the output before the connection is served.</param>
    public static async Task ServeAsync(ConnectionDelegate next, ConnectionContext connection, Action<ConnectionContext, SocketOutput> offer)
    {
        if (connection.Features.Get<IConnectionSocketFeature>()?.Socket is not { } socket || connection.Features.Get<IMemoryPoolFeature>()?.MemoryPool is not { } pool)
        {
            await next(connection);
            return;
        }
        var transport = connection.Transport;
        var output = new SocketOutput(socket, connection, pool);
        connection.Transport = new Duplex(transport.Input, output);
        offer(connection, output);
        try
        {
            await next(connection);
        }
        finally
        {
            // The transport closes the socket next.
            await output.WaitUntilIdleAsync();
            output.Release();
            connection.Transport = transport;
        }
    }

    /// <summary>Hands bytes of a blob to the socket, as many as it takes at once. All that was written before must be flushed.</summary>
    /// <param name="pipe">The response's, which ends here: it counts them.</param>
    /// <returns>Bytes taken; 0: none now, or not in this way, and why is told when they are sent through memory.</returns>
    public int Send(PipeWriter pipe, BlobReader reader, long offsetBytes, int countBytes)
    {
        if (_isBroken || _written > 0)
            return 0;
        var sent = reader.TrySend(_socket.SafeHandle, offsetBytes, Math.Min(countBytes, MaxSendBytes));
        if (sent == 0)
            return 0;
        _skip = Skip.Asked;
        _ = pipe.GetMemory(sent);
        if (_skip != Skip.Given)
        {
            // Only of an answer that was just cut: what went out can't be counted any more, and nothing may follow it.
            Break();
            return 0;
        }
        pipe.Advance(sent);
        return sent;
    }

    /// <summary>The most that can be between a connection's sender and the program at its other end, in bytes (ADR 10).</summary>
    public long MostUnderWay() => TcpFlight.MostUnderWay(_socket);

    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        if (_skip == Skip.Asked)
        {
            _skip = Skip.Given;
            return Scratch;
        }
        var needed = Math.Max(sizeHint, 1);
        if (Buffer.Length - _written < needed)
            Grow(needed);
        return Buffer[_written..];
    }

    public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public override void Advance(int bytes)
    {
        if (_skip == Skip.Given)
        {
            _skip = Skip.None;
            return;
        }
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, Buffer.Length - _written);
        _written += bytes;
    }

    /// <summary>Completes when the socket has taken everything. The token is not looked at: whoever gives up aborts the connection, which ends it.</summary>
    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) =>
        _written == 0 ? new(new FlushResult(isCanceled: false, _isBroken)) : SendAsync(Buffer[.._written]);

    /// <summary>The same, of bytes that need not be copied.</summary>
    public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default) =>
        _written == 0 && !source.IsEmpty ? SendAsync(source) : base.WriteAsync(source, cancellationToken);

    public override void CancelPendingFlush()
    {
        // As with a token.
    }

    // The transport closes the socket once the connection is served.
    public override void Complete(Exception? exception = null) => _isBroken |= exception is not null;

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<FlushResult> SendAsync(ReadOnlyMemory<byte> bytes)
    {
        _isSending = true;
        try
        {
            while (!bytes.IsEmpty && !_isBroken)
                bytes = bytes[await _socket.SendAsync(bytes, SocketFlags.None, CancellationToken.None)..];
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            Break();
        }
        finally
        {
            Release();
            _isSending = false;
            Interlocked.MemoryBarrier();
            Volatile.Read(ref _idle)?.TrySetResult();
        }
        return new FlushResult(isCanceled: false, _isBroken);
    }

    private void Break()
    {
        _isBroken = true;
        _skip = Skip.None;
        _connection.Abort(new ConnectionAbortedException("the client can't be sent to any more"));
    }

    private Task WaitUntilIdleAsync()
    {
        if (!_isSending)
            return Task.CompletedTask;
        var idle = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Volatile.Write(ref _idle, idle);
        Interlocked.MemoryBarrier();
        return _isSending ? idle.Task : Task.CompletedTask;
    }

    // One piece, so that one call of the kernel sends it: of a head and the beginning of a body, the head is copied.
    private void Grow(int needed)
    {
        if (_written == 0 && needed <= _pool.MaxBufferSize)
        {
            Release();
            _block = _pool.Rent(needed);
            return;
        }
        var larger = ArrayPool<byte>.Shared.Rent(_written + Math.Max(needed, _written));
        Buffer.Span[.._written].CopyTo(larger);
        var written = _written;
        Release();
        (_large, _written) = (larger, written);
    }

    // A connection at rest holds no memory.
    private void Release()
    {
        _written = 0;
        _block?.Dispose();
        _block = null;
        if (_large is { } large)
            ArrayPool<byte>.Shared.Return(large);
        _large = null;
    }

    private enum Skip
    {
        None,

        /// <summary>The next memory that is asked for is for bytes that are sent.</summary>
        Asked,
        Given,
    }

    private sealed class Duplex(PipeReader input, PipeWriter output) : IDuplexPipe
    {
        public PipeReader Input => input;

        public PipeWriter Output => output;
    }
}
