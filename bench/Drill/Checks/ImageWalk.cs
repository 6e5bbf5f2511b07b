using System.Collections.Concurrent;
using System.Text.Json;
using Holdfast.Drill.Images;
using Holdfast.Drill.Protocol;

namespace Holdfast.Drill.Checks;

/// <summary>
/// Pulls images whole and compares every byte with its digest. What it has found right in a repository it doesn't read again, so that a walk over many
/// images with shared layers costs what they hold. For any number of threads.
/// </summary>
/// <param name="readsBlob">Whether this blob's bytes are read; else a HEAD has to do.</param>
internal sealed class ImageWalk(RegistryClient client, Func<string, bool> readsBlob)
{
    private readonly ConcurrentDictionary<(string Repository, string Digest), bool> _right = [];

    /// <returns>What is wrong; empty: the image is whole.</returns>
    public async Task<IReadOnlyList<string>> CheckAsync(string repository, string digest, CancellationToken token)
    {
        var faults = new List<string>();
        await CheckManifestAsync(repository, digest, null, faults, token);
        return faults;
    }

    private async Task CheckManifestAsync(string repository, string digest, long? size, List<string> faults, CancellationToken token)
    {
        if (_right.ContainsKey((repository, digest)))
            return;
        var answer = await client.GetManifestAsync(repository, digest, token);
        if (Differs(answer, $"manifest {repository}@{digest}", digest, size, faults))
            return;

        var before = faults.Count;
        using var json = JsonDocument.Parse(answer.Body);
        foreach (var child in Members(json.RootElement, "manifests"))
            await CheckManifestAsync(repository, DigestOf(child), SizeOf(child), faults, token);
        if (json.RootElement.TryGetProperty("config", out var config))
            await CheckBlobAsync(repository, config, faults, token);
        foreach (var layer in Members(json.RootElement, "layers"))
            await CheckBlobAsync(repository, layer, faults, token);
        if (faults.Count == before)
            _right.TryAdd((repository, digest), true);
    }

    private async Task CheckBlobAsync(string repository, JsonElement descriptor, List<string> faults, CancellationToken token)
    {
        var digest = DigestOf(descriptor);
        if (_right.ContainsKey((repository, digest)))
            return;
        var what = $"blob {repository}@{digest}";
        if (!readsBlob(digest))
        {
            var head = await client.HeadBlobAsync(repository, digest, token);
            if (head.Status != 200)
                faults.Add($"HEAD of {what}: {head}");
            return;
        }

        var answer = await client.GetBlobAsync(repository, digest, token);
        if (!Differs(answer, what, digest, SizeOf(descriptor), faults))
            _right.TryAdd((repository, digest), true);
    }

    private static bool Differs(Answer answer, string what, string digest, long? size, List<string> faults)
    {
        var fault = answer.Status != 200 ? $"{what}: {answer}"
            : size is not null && answer.Body.Length != size ? $"{what}: {answer.Body.Length} bytes, not {size}"
            : Content.NameOf(answer.Body) != digest ? $"{what}: WRONG BYTES ({Content.NameOf(answer.Body)})"
            : null;
        if (fault is not null)
            faults.Add(fault);
        return fault is not null;
    }

    private static JsonElement.ArrayEnumerator Members(JsonElement manifest, string name) =>
        manifest.TryGetProperty(name, out var array) && array.ValueKind == JsonValueKind.Array ? array.EnumerateArray() : default;

    private static string DigestOf(JsonElement descriptor) => descriptor.GetProperty("digest").GetString()!;

    private static long SizeOf(JsonElement descriptor) => descriptor.GetProperty("size").GetInt64();
}
