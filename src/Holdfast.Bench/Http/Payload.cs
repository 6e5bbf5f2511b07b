namespace Holdfast.Bench.Http;

/// <summary>A request's body: a shared block written over and over up to a length, then bytes of its own.</summary>
internal sealed class Payload(byte[] block, long blockBytes, byte[] ending)
{
    private const int PieceBytes = 256 * 1024;

    public delegate void Sender(ReadOnlySpan<byte> bytes);

    public long Length => blockBytes + ending.Length;

    public static Payload Of(byte[] bytes) => new([], 0, bytes);

    public void WriteTo(Sender send)
    {
        for (var sent = 0L; sent < blockBytes;)
        {
            var start = (int)(sent % block.Length);
            var piece = (int)Math.Min(Math.Min(PieceBytes, block.Length - start), blockBytes - sent);
            send(block.AsSpan(start, piece));
            sent += piece;
        }

        send(ending);
    }
}
