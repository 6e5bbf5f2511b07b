using System.Net;

namespace Simulation.Caches;

internal enum BodyEnd
{
    Whole,

    /// <summary>The connection is lost after the last byte.</summary>
    Cut,

    /// <summary>Nothing more comes after the last byte.</summary>
    Stalls,
}

/// <summary>The body of an answer, that comes in parts.</summary>
internal sealed class SimulatedBody : HttpContent
{
    private readonly World _world;
    private readonly byte[] _bytes;
    private readonly BodyEnd _end;

    public SimulatedBody(World world, byte[] bytes, long? stated, BodyEnd end)
    {
        (_world, _bytes, _end) = (world, bytes, end);
        Headers.ContentLength = stated;
    }

    protected override Task<Stream> CreateContentReadStreamAsync() => Task.FromResult<Stream>(new Parts(_world, _bytes, _end));

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => throw new NotSupportedException("the client reads streams");

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }

    private sealed class Parts(World world, byte[] bytes, BodyEnd end) : Stream
    {
        private int _position;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => _position;
            set => throw new NotSupportedException();
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await world.Schedule.WaitAsync("the upstream sends", cancellationToken);
            var left = bytes.Length - _position;
            if (left == 0 && end == BodyEnd.Cut)
                throw new HttpIOException(HttpRequestError.ResponseEnded, "simulated: the connection is lost");
            if (left == 0 && end == BodyEnd.Stalls)
                await SimulatedHost.NeverAsync(cancellationToken);
            var part = Math.Min(Math.Min(left, buffer.Length), 1 + world.Random.Next(Math.Max(left * 2 / 3, 30)));
            bytes.AsSpan(_position, part).CopyTo(buffer.Span);
            _position += part;
            return part;
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
