using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Holdfast.Server.Http;

/// <summary>Stands between the handlers and the server's body pipes and counts what goes through; used again with its slot.</summary>
internal sealed class RequestByteCounter : IHttpResponseBodyFeature, IRequestBodyPipeFeature
{
    private readonly CountingWriter _writer = new();
    private readonly CountingReader _reader = new();
    private IHttpResponseBodyFeature? _response;
    private Stream? _responseStream;

    public long BytesIn => _reader.Count;

    public long BytesOut => _writer.Count;

    public Stream Stream => _responseStream ??= _writer.AsStream(leaveOpen: true);

    public PipeWriter Writer => _writer;

    public PipeReader Reader => _reader;

    public void Attach(IFeatureCollection features)
    {
        _response = features.GetRequiredFeature<IHttpResponseBodyFeature>();
        _writer.Begin(_response.Writer);
        _responseStream = null;
        features.Set<IHttpResponseBodyFeature>(this);

        _reader.Begin(null);
        if (features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false })
            return;
        _reader.Begin(features.GetRequiredFeature<IRequestBodyPipeFeature>().Reader);
        features.Set<IRequestBodyPipeFeature>(this);
        features.GetRequiredFeature<IHttpRequestFeature>().Body = _reader.AsStream(leaveOpen: true);
    }

    public void DisableBuffering() => _response!.DisableBuffering();

    public Task StartAsync(CancellationToken cancellationToken = default) => _response!.StartAsync(cancellationToken);

    public Task CompleteAsync() => _response!.CompleteAsync();

    public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default) =>
        SendFileFallback.SendFileAsync(Stream, path, offset, count, cancellationToken);

    private sealed class CountingWriter : PipeWriter
    {
        private PipeWriter? _inner;

        public long Count { get; private set; }

        public override bool CanGetUnflushedBytes => _inner!.CanGetUnflushedBytes;

        public override long UnflushedBytes => _inner!.UnflushedBytes;

        public void Begin(PipeWriter inner)
        {
            _inner = inner;
            Count = 0;
        }

        public override void Advance(int bytes)
        {
            Count += bytes;
            _inner!.Advance(bytes);
        }

        public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
        {
            Count += source.Length;
            return _inner!.WriteAsync(source, cancellationToken);
        }

        public override Memory<byte> GetMemory(int sizeHint = 0) => _inner!.GetMemory(sizeHint);

        public override Span<byte> GetSpan(int sizeHint = 0) => _inner!.GetSpan(sizeHint);

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) =>
            _inner!.FlushAsync(cancellationToken);

        public override void CancelPendingFlush() => _inner!.CancelPendingFlush();

        public override void Complete(Exception? exception = null) => _inner!.Complete(exception);

        public override ValueTask CompleteAsync(Exception? exception = null) => _inner!.CompleteAsync(exception);
    }

    private sealed class CountingReader : PipeReader
    {
        private PipeReader? _inner;
        private ReadOnlySequence<byte> _buffer;

        public long Count { get; private set; }

        public void Begin(PipeReader? inner)
        {
            _inner = inner;
            _buffer = default;
            Count = 0;
        }

        public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
        {
            var result = await _inner!.ReadAsync(cancellationToken).ConfigureAwait(false);
            _buffer = result.Buffer;
            return result;
        }

        public override bool TryRead(out ReadResult result)
        {
            if (!_inner!.TryRead(out result))
                return false;
            _buffer = result.Buffer;
            return true;
        }

        public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
        {
            Count += _buffer.Slice(0, consumed).Length;
            _buffer = default;
            _inner!.AdvanceTo(consumed, examined);
        }

        public override void CancelPendingRead() => _inner!.CancelPendingRead();

        public override void Complete(Exception? exception = null)
        {
            _buffer = default;
            _inner!.Complete(exception);
        }
    }
}
