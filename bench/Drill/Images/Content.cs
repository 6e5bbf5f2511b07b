using System.Security.Cryptography;

namespace Holdfast.Drill.Images;

/// <param name="Digest">In the form <c>sha256:…</c>.</param>
internal sealed record Content(byte[] Bytes, string Digest)
{
    public static Content Of(byte[] bytes) => new(bytes, NameOf(bytes));

    public static string NameOf(byte[] bytes) => "sha256:" + Convert.ToHexStringLower(SHA256.HashData(bytes));
}
