using System.Text.Json;
using Holdfast.Oci;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Caching;

/// <summary>Fetches whole images into a cache: everything below a manifest for the platforms that are wanted, and nothing that is there.</summary>
internal sealed class ImageFetch(ManifestFetches manifests, BlobFetches blobs, FetchRoom room) : IDisposable
{
    // Beside what clients pull.
    private const int MaxAtOnce = 3;

    // An index of 10,000 children is legal; one image has a few hundred objects.
    private const int MaxManifests = 1_000;

    // Of all its platforms together. A manifest of 4 MiB has room for tens of thousands.
    private const int MaxBlobs = 10_000;

    /// <summary>Of all that is fetched for nobody in particular.</summary>
    private readonly SemaphoreSlim _slots = new(MaxAtOnce);

    /// <param name="told">Told of each object that was fetched, with its bytes.</param>
    /// <returns>What could not be fetched and why; none if the image is whole here now.</returns>
    public async Task<IReadOnlyList<string>> RunAsync(Cache cache, RepositoryName repository, Digest root, Platforms platforms, Action<long> told, CancellationToken cancellationToken)
    {
        var problems = new List<string>();
        var (waiting, seen, wanted) = (new Queue<Digest>([root]), new HashSet<Digest> { root }, new HashSet<Digest>());
        while (waiting.TryDequeue(out var digest))
        {
            if (seen.Count > MaxManifests)
            {
                problems.Add($"it has more than {MaxManifests} manifests; name the platforms that are wanted");
                break;
            }
            var (payload, problem) = await ReadAsync(cache, repository, digest, told, cancellationToken);
            if (payload is null)
            {
                problems.Add($"manifest {digest}: {problem}");
                continue;
            }
            foreach (var child in platforms.ChildrenOf(payload).Where(seen.Add))
                waiting.Enqueue(child);
            wanted.UnionWith(BlobsOf(payload));
            if (wanted.Count > MaxBlobs)
            {
                problems.Add($"it has more than {MaxBlobs} configs and layers, which are not fetched ahead");
                return problems;
            }
        }
        var fetches = wanted.Select(digest => FetchAsync(cache, repository, digest, told, cancellationToken)).ToList();
        problems.AddRange((await Task.WhenAll(fetches)).OfType<string>());
        return problems;
    }

    public void Dispose() => _slots.Dispose();

    private async Task<(byte[]? Payload, string? Problem)> ReadAsync(
        Cache cache, RepositoryName repository, Digest digest, Action<long> told, CancellationToken cancellationToken)
    {
        var key = new RepositoryKey(cache.Registry.Id, repository);
        var stored = await room.Stores.Metadata.ReadAsync(
            (key, digest),
            static (db, s) => Storage.Metadata.Manifests.Find(db, s.key, s.digest) is null ? null : Storage.Metadata.Manifests.ReadPayload(db, s.digest),
            cancellationToken);
        if (stored is not null && Digest.Compute(digest.Algorithm, stored) == digest)
            return (stored, null);
        var fetched = await manifests.FetchAsync(cache, repository, digest, default).WaitAsync(cancellationToken);
        if (fetched.Failure is { } failure)
            return (null, failure.Detail);
        told(fetched.Manifest!.Payload.Length);
        return (fetched.Manifest.Payload.ToArray(), null);
    }

    /// <returns>Null if it is here now.</returns>
    private async Task<string?> FetchAsync(Cache cache, RepositoryName repository, Digest digest, Action<long> told, CancellationToken cancellationToken)
    {
        await _slots.WaitAsync(cancellationToken);
        try
        {
            var key = new RepositoryKey(cache.Registry.Id, repository);
            var linked = await room.Stores.Metadata.ReadAsync((key, digest), static (db, s) => BlobLinks.Find(db, s.key, s.digest), cancellationToken);
            if (linked is { } blob && await room.Stores.Blobs.FindSizeAsync(digest, cancellationToken) == blob.SizeBytes)
                return null;
            var problem = await blobs.FetchAsync(cache, repository, digest, anew: linked is not null, cancellationToken);
            if (problem is not null)
                return $"blob {digest}: {problem}";
            told((await room.Stores.Blobs.FindSizeAsync(digest, cancellationToken)) ?? 0);
            return null;
        }
        catch (IOException e) when (e is not StoreAwayException)
        {
            return $"blob {digest}: {e.Message}";
        }
        finally
        {
            _slots.Release();
        }
    }

    private static List<Digest> BlobsOf(byte[] payload)
    {
        using var document = JsonDocument.Parse(payload);
        var root = document.RootElement;
        var digests = new List<Digest>();
        // An absent member may also be written as null, as Go programs do.
        if (root.TryGetProperty("config", out var config) && config.ValueKind == JsonValueKind.Object)
            Add(config, digests);
        if (root.TryGetProperty("layers", out var layers) && layers.ValueKind == JsonValueKind.Array)
        {
            // What is not distributable lies elsewhere.
            foreach (var layer in layers.EnumerateArray().Where(static layer => !layer.TryGetProperty("urls", out _)))
                Add(layer, digests);
        }
        if (root.TryGetProperty("manifests", out var children) && children.ValueKind == JsonValueKind.Array)
        {
            foreach (var child in children.EnumerateArray().Where(static child => !Platforms.IsManifest(child)))
                Add(child, digests);
        }
        return digests;
    }

    private static void Add(JsonElement descriptor, List<Digest> into)
    {
        if (descriptor.TryGetProperty("digest", out var text) && Digest.TryParse(text.GetString(), out var digest))
            into.Add(digest);
    }
}
