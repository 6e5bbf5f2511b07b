using System.Text.Json;
using Holdfast.Client;
using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Caching;

/// <summary>Lists that the upstream alone knows in full: tags and referrers.</summary>
internal sealed class CacheListEndpoint(CacheBook caches, TimeProvider time)
{
    private readonly ToldLists _told = new(time);

    /// <summary>Answers with the tags that are known here.</summary>
    public required Handler StoredTags { get; init; }

    /// <summary>Answers with the referrers that are kept here.</summary>
    public required Handler StoredReferrers { get; init; }

    public async Task GetTagsAsync(RegistryRequest request)
    {
        var http = request.Context;
        if (!Query.TryReadPage(http.Request, out var n))
        {
            await StoredTags(request);
            return;
        }
        var cache = caches.Of(request);
        var key = new RepositoryKey(cache.Registry.Id, request.Route.Repository);
        var last = Query.One(http.Request, "last") ?? "";
        // The first page is always asked for; those after it are of the same list.
        if (last.Length == 0 || _told.Find(key) is not { } all)
        {
            var answer = await cache.Upstream.ListTagsAsync(request.Route.Repository, request.Aborted);
            cache.Note(answer.Failure);
            if (!answer.TryGet(out var tags, out var failure))
            {
                await AnswerStaleTagsAsync(request, cache, failure);
                return;
            }
            all = [.. tags.Select(static tag => tag.ToString()).Order(StringComparer.Ordinal)];
            if (all.Count > n)
                _told.Note(key, all);
        }
        var names = all.Where(name => string.CompareOrdinal(name, last) > 0).Take(n + 1).ToList();
        var hasMore = names.Count > n;
        if (hasMore)
            names.RemoveAt(n);
        await TagsPage.Render(request.Route.Repository, new NamePage(names, hasMore)).SendAsync(request, n);
    }

    public async Task GetReferrersAsync(RegistryRequest request)
    {
        if (!Digest.TryParse(request.Route.Last, out var subject))
        {
            await request.FailAsync(Outcome.DigestInvalid, "the subject's digest is sha256: and 64, or sha512: and 128, lower-case hex digits");
            return;
        }
        var cache = caches.Of(request);
        var answer = await cache.Upstream.ListReferrersAsync(request.Route.Repository, subject, request.Aborted);
        cache.Note(answer.Failure);
        var type = Query.One(request.Context.Request, "artifactType");
        if (!answer.TryGet(out var referrers, out var failure))
        {
            await AnswerStaleReferrersAsync(request, cache, (subject, type), failure);
            return;
        }
        IEnumerable<RawReferrer> listed = referrers;
        if (type is not null)
        {
            listed = listed.Where(referrer => string.Equals(referrer.ArtifactType, type, StringComparison.Ordinal));
            request.Context.Response.Headers["OCI-Filters-Applied"] = "artifactType";
        }
        await request.SendJsonAsync(MediaTypes.OciIndex, listed, Write);
    }

    private async Task AnswerStaleTagsAsync(RegistryRequest request, Cache cache, RegistryFailure failure)
    {
        var isKnown = IsSilent(failure) && await request.Registry.Metadata.ReadAsync(
            new RepositoryKey(cache.Registry.Id, request.Route.Repository), static (db, key) => Repositories.Exists(db, key), request.Aborted);
        if (!isKnown)
        {
            await request.FailAsync(cache, failure, Outcome.RepositoryUnknown, "repository");
            return;
        }
        await AnswerStaleAsync(request, cache, StoredTags);
    }

    // What was fetched once, such as a signature, can be checked while the upstream is away. An empty list would say that there is none, which nobody knows.
    private async Task AnswerStaleReferrersAsync(RegistryRequest request, Cache cache, (Digest Digest, string? ArtifactType) subject, RegistryFailure failure)
    {
        // An upstream without such a list answers 404, by which clients know that they must look for the tag of the fallback schema (dist-spec v1.1.1, "Listing Referrers").
        var areSome = IsSilent(failure) && await request.Registry.Metadata.ReadAsync(
            (key: new RepositoryKey(cache.Registry.Id, request.Route.Repository), subject),
            static (db, s) => Storage.Metadata.Referrers.List(db, s.key, s.subject.Digest, s.subject.ArtifactType, default, new PageLimit(1, 1)).Referrers.Count > 0,
            request.Aborted);
        if (areSome)
            await AnswerStaleAsync(request, cache, StoredReferrers);
        else
            await request.FailAsync(cache, failure, Outcome.ManifestUnknown, "list of referrers");
    }

    private static bool IsSilent(RegistryFailure failure) => failure.Outcome is not (RegistryOutcome.Unknown or RegistryOutcome.Denied);

    private static Task AnswerStaleAsync(RegistryRequest request, Cache cache, Handler stored)
    {
        request.Context.Response.Headers.Warning = "110 holdfast \"Response is Stale\"";
        CacheMetrics.AnsweredStale(cache.Name);
        return stored(request);
    }

    private static void Write(Utf8JsonWriter json, IEnumerable<RawReferrer> referrers)
    {
        json.WriteStartObject();
        json.WriteNumber("schemaVersion"u8, 2);
        json.WriteString("mediaType"u8, MediaTypes.OciIndex);
        json.WriteStartArray("manifests"u8);
        foreach (var referrer in referrers)
            json.WriteRawValue(referrer.Json);
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
