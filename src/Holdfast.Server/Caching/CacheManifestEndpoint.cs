using System.Globalization;
using Holdfast.Oci;
using Holdfast.Server.Http;
using Microsoft.AspNetCore.Http;

namespace Holdfast.Server.Caching;

/// <summary>Manifests of caches: by digest from the store or the upstream, by tag after the upstream was asked where it points.</summary>
internal sealed class CacheManifestEndpoint(CacheBook caches, ManifestFetches fetches, TagTruth truth, Transfers transfers, Prefetch ahead)
{
    // RFC 7234, section 5.5: what is still the field's word for it, though RFC 9111 made it obsolete.
    private const string StaleWarning = "110 holdfast \"Response is Stale\"";

    /// <summary>Answers with what is stored, and calls <see cref="FetchAsync"/> for what isn't.</summary>
    public required Handler Stored { get; set; }

    public async Task GetAsync(RegistryRequest request)
    {
        if (!Reference.TryParse(request.Route.Last, out var reference))
        {
            await Stored(request);
            return;
        }
        if (reference.IsDigest)
        {
            using var transfer = transfers.Enter(reference.Digest);
            await Stored(request);
        }
        else if (!await AskAsync(request, reference.Tag))
        {
            return;
        }
        else
        {
            await Stored(request);
        }
        if (request.CacheAnswer is null && request.Context.Response.StatusCode < StatusCodes.Status400BadRequest)
            Note(request, "hit");
    }

    /// <summary>Gets what is not here from the upstream.</summary>
    public async Task FetchAsync(RegistryRequest request, Reference reference)
    {
        var cache = caches.Of(request);
        // A tag's manifest that was there a moment ago, or whose bytes are damaged: the upstream has it under its tag.
        if (reference.IsDigest && HttpMethods.IsHead(request.Context.Request.Method))
        {
            await HeadAsync(request, cache, reference.Digest);
            return;
        }
        var fetched = await fetches.FetchAsync(cache, request.Route.Repository, reference, reference.IsDigest ? default : reference.Tag).WaitAsync(request.Aborted);
        if (fetched.Failure is { } failure)
        {
            Note(request, "failed");
            await request.FailAsync(cache, failure, Outcome.ManifestUnknown, "manifest");
            return;
        }
        Note(request, "miss");
        ahead.Note(cache, request.Route.Repository, fetched.Manifest!.Digest);
        await SendAsync(request, fetched.Manifest);
    }

    /// <returns>Is it in the store?</returns>
    private async Task<bool> AskAsync(RegistryRequest request, Tag tag)
    {
        var cache = caches.Of(request);
        var isHead = HttpMethods.IsHead(request.Context.Request.Method);
        var answer = await truth.AskAsync(cache, request.Route.Repository, tag, wantsBytes: !isHead).WaitAsync(request.Aborted);
        var headers = request.Context.Response.Headers;
        if (answer.Failure is { } failure)
        {
            Note(request, "failed");
            await request.FailAsync(cache, failure, Outcome.ManifestUnknown, "manifest");
            return false;
        }
        if (answer.Manifest is { } manifest)
        {
            Note(request, "miss");
            await SendAsync(request, manifest);
            return false;
        }
        if (answer.Head is { } head)
        {
            Note(request, "miss");
            await request.DescribeManifestAsync(ContentNames.Of(head.Digest), head.MediaType, head.SizeBytes);
            return false;
        }
        if (!answer.New.IsNone)
        {
            Note(request, "miss");
            ahead.Note(cache, request.Route.Repository, answer.New);
        }
        else if (answer.StaleFor is { } age)
        {
            Note(request, "stale");
            CacheMetrics.AnsweredStale(cache.Name);
            headers.Warning = StaleWarning;
            headers.Age = ((long)age.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        }
        else if (answer.GoneMs is { } gone)
        {
            Note(request, "gone");
            headers.Warning = $"199 holdfast \"{cache.Namespace} has had no such tag since {DateTimeOffset.FromUnixTimeMilliseconds(gone):yyyy-MM-ddTHH:mm:ssZ}\"";
        }
        return true;
    }

    private async Task HeadAsync(RegistryRequest request, Cache cache, Digest digest)
    {
        Note(request, "miss");
        var answer = await fetches.HeadAsync(cache, request.Route.Repository, digest).WaitAsync(request.Aborted);
        if (answer.TryGet(out var head, out var failure))
            await request.DescribeManifestAsync(ContentNames.Of(digest), head.MediaType, head.SizeBytes);
        else
            await request.FailAsync(cache, failure, Outcome.ManifestUnknown, "manifest");
    }

    private static Task SendAsync(RegistryRequest request, Storage.Metadata.ManifestPut manifest) =>
        request.SendManifestAsync(ContentNames.Of(manifest.Digest), manifest.Manifest.MediaType, manifest.Payload);

    private static void Note(RegistryRequest request, string answer)
    {
        request.CacheAnswer = answer;
        CacheMetrics.Asked(request.Registry.Name, "manifest", answer);
    }
}
