using Holdfast.Oci;

namespace Holdfast.Server.Http;

/// <summary>How answers name their content: made once for what is remembered.</summary>
/// <param name="Digest">As in Docker-Content-Digest.</param>
/// <param name="ETag">The same in quotes, always strong.</param>
internal readonly record struct ContentNames(string Digest, string ETag)
{
    public static ContentNames Of(Digest digest) => new(digest.ToString(), $"\"{digest}\"");
}
