using System.Text;
using Holdfast.Oci;

namespace Holdfast.Client.Tests;

internal static class Samples
{
    public const string User = "alice";

    // One that Basic's colon and Base64 could spoil.
    public const string Password = "s3cret:word";

    /// <summary>bcrypt of <see cref="Password"/>, cost 4.</summary>
    public const string PasswordHash = "$2b$04$YgTex4O2w0KsC.Wog3GL.eRFJYGRONy7BdeM18M9pnRS4qUmTHndK";

    public static readonly RepositoryName Repository = RepositoryName.Parse("team/app");

    public static string Basic => "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{User}:{Password}"));

    public static byte[] Bytes(int seed, int size)
    {
        var bytes = new byte[size];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    public static Digest DigestOf(byte[] content) => Digest.Compute(DigestAlgorithm.Sha256, content);

    public static RegistryClient Client(Uri registry, bool withUser = false, string? trustFile = null) => new(new RegistryClientOptions
    {
        Registry = registry,
        Username = withUser ? User : null,
        Password = withUser ? Password : null,
        TrustFile = trustFile,
        ResumeDelay = TimeSpan.FromMilliseconds(1),
    });

    public static async Task<(RegistryAnswer<long> Answer, byte[] Received)> DownloadAsync(
        this RegistryClient client, Digest digest, long? sizeBytes = null, CancellationToken token = default)
    {
        using var received = new MemoryStream();
        var answer = await client.DownloadBlobAsync(Repository, digest, sizeBytes, chunk => received.WriteAsync(chunk, token), token);
        return (answer, received.ToArray());
    }
}
