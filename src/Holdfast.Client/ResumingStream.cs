using System.Net.Http.Headers;

namespace Holdfast.Client;

/// <summary>The bytes of a blob, received over as many connections as it takes, within limits.</summary>
internal sealed class ResumingStream : Stream
{
    private const long ProgressBytes = 1 << 20;
    private static readonly TimeSpan MaxDelay = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan MaxRetryAfter = TimeSpan.FromMinutes(1);

    private readonly RegistryExchange _exchange;
    private Ask _ask;
    private readonly string _scope;
    private readonly RateFloor _floor;
    private HttpResponseMessage? _response;
    private Stream? _content;
    private long? _sizeBytes;
    private long _position;

    // To be read and forgotten: the registry began anew.
    private long _skip;
    private bool _ranges = true;
    private int _resumes;
    private long _resumedAt;
    private int _emptyTries;

    // Bytes received when it was last taken up again; to do that once more from there is no progress.
    private long _retriedAt;

    private ResumingStream(RegistryExchange exchange, Ask ask, string scope) =>
        (_exchange, _ask, _scope, _floor) = (exchange, ask, scope, new RateFloor(exchange.Options));

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => _position;
        set => throw new NotSupportedException();
    }

    /// <param name="fromBytes">The first byte to be read.</param>
    public static async ValueTask<RegistryAnswer<RemoteBlob>> OpenAsync(RegistryExchange exchange, Ask ask, string scope, long fromBytes, CancellationToken token)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(fromBytes);
        var stream = new ResumingStream(exchange, ask, scope) { _position = fromBytes, _resumedAt = fromBytes, _retriedAt = fromBytes };
        var reply = fromBytes == 0 ? await exchange.FindAsync(ask, scope, token) : await exchange.SendAsync(ask with { OffsetBytes = fromBytes }, scope, token);
        if (reply.Response is not { } response)
            return new(reply.Failure!);
        var page = Failures.OfPage(response);
        if (fromBytes == 0)
            stream.Begin(response);
        else if (await stream.TakeAsync(response, token) is { } failure && await stream.TakeWholeAsync(failure, token) is { } stays)
            return new(stays);
        else if (stream._response is { } taken)
            stream.KeepTag(taken);
        return new(new RemoteBlob(stream, stream._sizeBytes) { Page = page });
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (buffer.Length > 0 && _position != _sizeBytes)
        {
            RegistryFailure broken;
            try
            {
                var read = await ReceiveAsync(buffer, cancellationToken);
                if (_skip > 0 && read > 0)
                {
                    _skip -= read;
                    continue;
                }
                if (read > 0 || _sizeBytes is null)
                {
                    _position += read;
                    return read;
                }
                broken = new RegistryFailure(RegistryOutcome.Unavailable, $"{_ask.Target.Authority} ended the blob after {_position} of {_sizeBytes} bytes")
                {
                    Status = 200,
                    ReceivedBytes = _position,
                    EndedEarly = true,
                };
            }
            catch (Exception e) when (e is not BlobBrokenException && Failures.IsNetwork(e))
            {
                cancellationToken.ThrowIfCancellationRequested();
                broken = Failures.OfBody(e, _ask.Target, _position);
            }
            await ResumeAsync(broken, cancellationToken);
        }
        return 0;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("a network is read asynchronously");

    public override void Flush() => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _response?.Dispose();
        base.Dispose(disposing);
    }

    private void Begin(HttpResponseMessage response)
    {
        _response = response;
        _sizeBytes = response.Content.Headers.ContentLength;
        KeepTag(response);
    }

    private void KeepTag(HttpResponseMessage response)
    {
        // A weak tag does not promise the same bytes (RFC 9110, 13.1.5).
        if (response.Headers.ETag is { IsWeak: false } tag)
            _ask = _ask with { IfRange = tag };
    }

    // For a registry that has ranges of its own kind.
    private async ValueTask<RegistryFailure?> TakeWholeAsync(RegistryFailure failure, CancellationToken token)
    {
        if (_ranges)
            return failure;
        var reply = await _exchange.SendAsync(_ask, _scope, token);
        return reply.Response is { } response ? await TakeAsync(response, token) : reply.Failure;
    }

    private async ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken token)
    {
        _content ??= await _response!.Content.ReadAsStreamAsync(token);
        var wanted = _skip > 0 ? Math.Min(_skip, buffer.Length)
            : _sizeBytes is { } size ? Math.Min(size - _position, buffer.Length) : buffer.Length;
        var began = _exchange.Options.Time.GetTimestamp();
        var read = await Stall.ReadAsync(_exchange.Options, _content, buffer[..(int)wanted], token);
        // Not taken up again: that would begin the same minute anew.
        if (read > 0 && _floor.Note(_exchange.Options.Time.GetElapsedTime(began), read) is { } slow)
            throw new BlobBrokenException(new RegistryFailure(RegistryOutcome.Unavailable, $"{_ask.Target.Authority}: {slow} (given up, {_position + read} bytes received)") { Status = 200, ReceivedBytes = _position + read });
        // Without a stated size the end is the end, but not before what was there already.
        return read > 0 || _skip == 0 ? read : throw new IOException($"the blob is shorter than it was: {_position - _skip} bytes");
    }

    private async ValueTask ResumeAsync(RegistryFailure broken, CancellationToken token)
    {
        _response?.Dispose();
        (_response, _content, _skip) = (null, null, 0);
        if (_position - _resumedAt >= ProgressBytes)
            _resumes = 0;
        _emptyTries = broken.EndedEarly && _position == _resumedAt ? _emptyTries + 1 : 0;
        _resumedAt = _position;
        for (RegistryFailure? failure = broken; failure is not null; broken = failure ?? broken)
        {
            if (_resumes >= _exchange.Options.MaxResumes || _emptyTries >= _exchange.Options.MaxEmptyTries || !IsPassing(broken))
                throw new BlobBrokenException(broken with { Detail = $"{broken.Detail} (given up after {_resumes} more tries, {_position} bytes received)" });
            if (_position == _retriedAt && _exchange.Options.MayRetry?.Invoke() == false)
                throw new BlobBrokenException(broken with { Detail = $"{broken.Detail} (given up after {_position} bytes: too many requests fail to try more)" });
            _retriedAt = _position;
            await Task.Delay(DelayOf(_resumes++, broken), _exchange.Options.Time, token);
            var reply = await _exchange.SendAsync(_ask with { OffsetBytes = _ranges ? _position : 0 }, _scope, token);
            failure = reply.Response is { } response ? await TakeAsync(response, token) : reply.Failure;
        }
    }

    /// <returns>Null if reading can go on.</returns>
    private async ValueTask<RegistryFailure?> TakeAsync(HttpResponseMessage response, CancellationToken token)
    {
        var range = response.Content.Headers.ContentRange;
        if (Failures.OfPacking(response) is { } packed)
        {
            response.Dispose();
            return packed;
        }
        switch ((int)response.StatusCode)
        {
            case 206 when _ranges && _position > 0 && Continues(range):
                _sizeBytes ??= range!.Length;
                _response = response;
                return null;
            case 200 when _sizeBytes is null ? !(response.Content.Headers.ContentLength < _position) : (response.Content.Headers.ContentLength ?? _sizeBytes) == _sizeBytes:
                _sizeBytes ??= response.Content.Headers.ContentLength;
                _response = response;
                _skip = _position;
                return null;
            case 416 when _sizeBytes is null && range?.Length == _position:
                response.Dispose();
                _sizeBytes = _position;
                return null;
            case 206 or 416:
                // It has ranges of its own kind: the next try asks for the whole.
                response.Dispose();
                _ranges = false;
                return new RegistryFailure(RegistryOutcome.Unavailable, $"{_ask.Target.Authority} answered another range than from byte {_position}");
            case 200:
                response.Dispose();
                return new RegistryFailure(RegistryOutcome.Mismatch, $"{_ask.Target.Authority} states another size than before");
            default:
                using (response)
                    return await Failures.OfStatusAsync(_exchange.Options, response, token);
        }
    }

    private bool Continues(ContentRangeHeaderValue? range) =>
        range?.From == _position && (_sizeBytes is null || range.Length is null || range.Length == _sizeBytes);

    private static bool IsPassing(RegistryFailure failure) =>
        failure.Outcome is RegistryOutcome.Unavailable or RegistryOutcome.SlowDown && !(failure.RetryAfter > MaxRetryAfter);

    private TimeSpan DelayOf(int resumes, RegistryFailure broken)
    {
        var delay = _exchange.Options.ResumeDelay * Math.Pow(2, Math.Min(resumes, 10));
        delay = delay > MaxDelay ? MaxDelay : delay;
        delay *= 1 - ((_exchange.Options.Jitter?.Invoke() ?? 0) / 2);
        return broken.RetryAfter > delay ? broken.RetryAfter.Value : delay;
    }
}
