using System.Security.Cryptography;

namespace EndToEnd.Clients;

/// <summary>Digests of files as they lie on the disk.</summary>
internal static class FileHashes
{
    public static async Task<string> OfAsync(string file, CancellationToken token)
    {
        await using var stream = File.OpenRead(file);
        return "sha256:" + Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, token));
    }

    public static async Task<IReadOnlySet<string>> OfFolderAsync(string folder, Func<string, bool> counts, CancellationToken token)
    {
        var digests = new HashSet<string>();
        foreach (var file in Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Where(f => counts(Path.GetFileName(f))))
        {
            digests.Add(await OfAsync(file, token));
        }

        return digests;
    }
}
