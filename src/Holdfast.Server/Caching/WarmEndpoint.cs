using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Caching;

/// <summary><c>GET /api/v1/caches</c>, <c>POST /api/v1/caches/warm</c></summary>
internal sealed class WarmEndpoint(CacheBook caches, TagTruth truth, ImageFetch images, FetchRoom room)
{
    private const int MaxListBytes = 4 << 20;
    private const int MaxImages = 10_000;
    private const int MaxTold = 10;

    public async Task GetAsync(AdminRequest request)
    {
        var answers = new List<CacheStatus>();
        foreach (var cache in caches.All.OrderBy(static cache => cache.Name, StringComparer.Ordinal))
        {
            var size = await room.Stores.Metadata.ReadAsync(cache.Registry.Id, static (db, id) => CacheEviction.MeasureBytes(db, id), request.Aborted);
            answers.Add(new CacheStatus(cache.Name, cache.Namespace, size, cache.Options.MaxBytes, cache.Problem, [.. cache.Upstream.Mirrors.Select(Describe)]));
        }
        await request.AnswerAsync(new CacheList(answers));
    }

    public async Task WarmAsync(AdminRequest request)
    {
        var asked = await request.ReadJsonAsync<WarmAsked>(MaxListBytes);
        if (asked.Images is not { Count: > 0 and <= MaxImages } names)
            throw new AdminException(Outcome.AdminInvalid, $"images: name 1 to {MaxImages} of them");
        if (asked.Platforms?.Any(static one => one?.Split('/') is not { Length: 2 or 3 }) == true)
            throw new AdminException(Outcome.AdminInvalid, "platforms: each is os/architecture, or os/architecture/variant, such as linux/arm64");
        var wanted = FindAll(names);
        await request.StreamAsync((stream, token) => WarmAsync(stream, wanted, asked.Platforms, token));
    }

    private async Task<WarmResult> WarmAsync(AdminStream stream, IReadOnlyList<WantedImage> wanted, IReadOnlyList<string>? platforms, CancellationToken cancellationToken)
    {
        var (bytes, objects, failed) = (0L, 0, new List<WarmProblem>());
        for (var i = 0; i < wanted.Count; i++)
        {
            var (name, found, repository, reference) = wanted[i];
            if (found is not { } cache)
            {
                failed.Add(new WarmProblem(name, [NoCacheOf(name)]));
                continue;
            }
            await stream.ReportAsync(new AdminProgress($"fetching {name}", i, wanted.Count, "images"));
            var (root, problem) = await FindRootAsync(cache, repository, reference, Count, cancellationToken);
            var problems = root is not { } digest
                ? [problem!]
                : await images.RunAsync(cache, repository, digest, new Platforms(platforms ?? cache.Options.PrefetchPlatforms), Count, cancellationToken);
            if (problems.Count > 0)
                failed.Add(new WarmProblem(name, problems));
        }
        return new WarmResult(wanted.Count, objects, bytes, failed);

        void Count(long fetched)
        {
            Interlocked.Add(ref bytes, fetched);
            Interlocked.Increment(ref objects);
        }
    }

    private async Task<(Digest? Root, string? Problem)> FindRootAsync(
        Cache cache, RepositoryName repository, Reference reference, Action<long> told, CancellationToken cancellationToken)
    {
        if (reference.IsDigest)
            return (reference.Digest, null);
        var answer = await truth.AskAsync(cache, repository, reference.Tag, wantsBytes: true).WaitAsync(cancellationToken);
        if (answer.Failure is { } failure)
            return (null, failure.Detail);
        var known = await room.Stores.Metadata.ReadAsync(
            (key: new RepositoryKey(cache.Registry.Id, repository), reference.Tag),
            static (db, s) => CachedTags.Find(db, s.key, s.Tag) is null ? null : Storage.Metadata.Manifests.Find(db, s.key, s.Tag),
            cancellationToken);
        if (known is null)
            return (null, "it could not be kept: see the disk's free room");
        if (!answer.New.IsNone)
            told(known.SizeBytes);
        return (known.Digest, null);
    }

    // A name that can't be one stops all of it, and all such names are told. A registry that has no cache here does not: a list of all that runs in a cluster has such images, too.
    private List<WantedImage> FindAll(IReadOnlyList<string?> names)
    {
        var wanted = names.Select(Find).ToList();
        var unclear = wanted.FindAll(static image => image.Repository.IsNone);
        if (unclear.Count > 0)
        {
            var told = string.Join(", ", unclear.Take(MaxTold).Select(static image => $"'{image.Name}'"));
            throw new AdminException(Outcome.AdminInvalid, unclear.Count == 1
                ? $"{told} is not the name of an image; nothing was fetched"
                : $"{told}{(unclear.Count > MaxTold ? $" and {unclear.Count - MaxTold} more" : "")} are not names of images; nothing was fetched");
        }
        return wanted.Exists(static image => image.Cache is not null)
            ? wanted
            : throw new AdminException(Outcome.AdminNotFound, $"'{wanted[0].Name}': {NoCacheOf(wanted[0].Name)}");
    }

    private WantedImage Find(string? name)
    {
        if (name is null)
            throw new AdminException(Outcome.AdminInvalid, "images: each is the name of an image, such as docker.io/library/alpine:3");
        var (host, rest) = Split(name);
        var at = rest.IndexOf('@', StringComparison.Ordinal);
        var tagged = at < 0 ? rest : rest[..at];
        var colon = tagged.LastIndexOf(':');
        var repositoryText = colon < 0 ? tagged : tagged[..colon];
        var referenceText = at >= 0 ? rest[(at + 1)..] : colon < 0 ? "latest" : tagged[(colon + 1)..];
        if (!RepositoryName.TryParse(repositoryText, out var repository) || !Reference.TryParse(referenceText, out var reference))
            return new WantedImage(name, null, default, default);
        var cache = caches.All.FirstOrDefault(cache => cache.Namespace.Equals(host, StringComparison.OrdinalIgnoreCase));
        return new WantedImage(name, cache, cache?.NameOf(repository) ?? repository, reference);
    }

    // As in a pod: docker.io where no host is named, its library where no user is, latest where no tag is.
    private static (string Host, string Image) Split(string name)
    {
        var slash = name.IndexOf('/', StringComparison.Ordinal);
        var first = slash > 0 ? name[..slash] : "";
        var isHost = first.Contains('.', StringComparison.Ordinal) || first.Contains(':', StringComparison.Ordinal) || first == "localhost";
        return isHost ? (first, name[(slash + 1)..]) : ("docker.io", name);
    }

    private string NoCacheOf(string name) => $"there is no cache of {Split(name).Host}; there are caches of {string.Join(", ", caches.All.Select(static cache => cache.Namespace))}";

    private static MirrorAnswer Describe(Client.MirrorState mirror) => new(
        mirror.Host, mirror.RestsUntil is null ? "up" : "resting", mirror.Since, mirror.RestsUntil, mirror.Why?.Detail, mirror.Limit?.Limit, mirror.Limit?.Remaining);

    private sealed record WarmAsked(IReadOnlyList<string>? Images = null, IReadOnlyList<string>? Platforms = null);

    /// <param name="Cache">Null: there is none for its registry.</param>
    /// <param name="Repository">None: it is no name of an image.</param>
    private sealed record WantedImage(string Name, Cache? Cache, RepositoryName Repository, Reference Reference);
}

/// <summary>All caches of the server.</summary>
public sealed record CacheList(IReadOnlyList<CacheStatus> Caches);

/// <param name="Namespace">The upstream's name to clients.</param>
/// <param name="MaxBytes">size.max; null: none.</param>
/// <param name="Problem">What is wrong with the upstream, as it was last asked; null: nothing.</param>
public sealed record CacheStatus(string Name, string Namespace, long SizeBytes, long? MaxBytes, string? Problem, IReadOnlyList<MirrorAnswer> Mirrors);

/// <param name="State">up or resting.</param>
/// <param name="Why">What it did; null: it is up.</param>
/// <param name="Limit">Requests that it grants in a window, as it last said.</param>
public sealed record MirrorAnswer(string Host, string State, DateTimeOffset Since, DateTimeOffset? RestsUntil, string? Why, long? Limit, long? Remaining);

/// <param name="Images">How many were asked for.</param>
/// <param name="Objects">Manifests and blobs that were fetched; what was there isn't counted.</param>
/// <param name="Failed">Those that are not whole here now.</param>
public sealed record WarmResult(int Images, int Objects, long Bytes, IReadOnlyList<WarmProblem> Failed);

public sealed record WarmProblem(string Image, IReadOnlyList<string> Problems);
