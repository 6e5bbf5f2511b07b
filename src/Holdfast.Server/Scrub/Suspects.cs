using System.Threading.Channels;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Scrub;

/// <summary>
/// Blobs whose bytes somebody may have changed, to be hashed before all others. More than fit are left to the walk, which takes those in doubt
/// first: their rows say so.
/// </summary>
internal sealed class Suspects
{
    private const int Max = 10_000;

    private readonly Channel<KnownBlob> _queue = Channel.CreateBounded<KnownBlob>(new BoundedChannelOptions(Max) { FullMode = BoundedChannelFullMode.DropWrite });

    public int Count => _queue.Reader.Count;

    public void Add(KnownBlob blob) => _queue.Writer.TryWrite(blob);

    public bool TryTake(out KnownBlob blob) => _queue.Reader.TryRead(out blob);
}
