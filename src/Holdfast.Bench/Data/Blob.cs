using Holdfast.Bench.Http;

namespace Holdfast.Bench.Data;

/// <param name="Digest">In the form <c>sha256:…</c>.</param>
internal sealed record Blob(string Digest, Payload Payload)
{
    public long Length => Payload.Length;
}
