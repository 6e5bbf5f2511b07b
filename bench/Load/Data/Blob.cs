using Holdfast.Load.Http;

namespace Holdfast.Load.Data;

/// <param name="Digest">In the form <c>sha256:…</c>.</param>
internal sealed record Blob(string Digest, Payload Payload)
{
    public long Length => Payload.Length;
}
