using System.Collections.Concurrent;
using Holdfast.Client;
using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Metadata;
using Microsoft.AspNetCore.Http;

namespace Holdfast.Server.Caching;

/// <summary>Blobs of caches: from the store like a hosted registry's, and while they are fetched from the upstream.</summary>
internal sealed class CacheBlobEndpoint(CacheBook caches, BlobFetches fetches, Transfers transfers, FetchRoom room)
{
    // Of many clients at once each holds two or three of these.
    private const int ChunkBytes = 128 * 1024;

    private readonly ConcurrentDictionary<(RepositoryKey Repository, Digest Digest), Lazy<Task<bool>>> _linking = new();

    /// <summary>Answers with what is stored, and calls <see cref="FetchAsync"/> for what isn't.</summary>
    public required Handler Stored { get; set; }

    public async Task GetAsync(RegistryRequest request)
    {
        if (!Digest.TryParse(request.Route.Last, out var digest))
        {
            await Stored(request);
            return;
        }
        using var transfer = transfers.Enter(digest);
        await Stored(request);
        var response = request.Context.Response;
        if (request.CacheAnswer is not null || response.StatusCode is not (StatusCodes.Status200OK or StatusCodes.Status206PartialContent))
            return;
        Note(request, "hit");
        if (!HttpMethods.IsHead(request.Context.Request.Method))
            CacheMetrics.Saved(request.Registry.Name, response.ContentLength ?? 0);
    }

    /// <summary>Gets what is not here from the upstream.</summary>
    public async Task FetchAsync(RegistryRequest request, Digest digest)
    {
        var cache = caches.Of(request);
        var isFirst = request.CacheAnswer is null;
        if (isFirst && await TryLinkAsync(cache, request.Route.Repository, digest, request.Aborted))
        {
            Note(request, "hit");
            await Stored(request);
            return;
        }
        Note(request, "miss");
        if (HttpMethods.IsHead(request.Context.Request.Method))
            await HeadAsync(request, cache, digest);
        else
            await ForwardAsync(request, cache, digest, anew: !isFirst);
    }

    // Another cache or a hosted registry has the bytes. Whether the upstream would give them for this repository, it alone knows.
    private async Task<bool> TryLinkAsync(Cache cache, RepositoryName repository, Digest digest, CancellationToken cancellationToken)
    {
        var key = new RepositoryKey(cache.Registry.Id, repository);
        var isStored = await room.Stores.Metadata.ReadAsync(
            (key, digest), static (db, s) => CachedManifests.IsStoredElsewhere(db, s.key, s.digest), cancellationToken);
        return isStored && await _linking.GetOrAdd((key, digest), static (one, s) => new(() => s.endpoint.LinkAsync(s.cache, one)), (endpoint: this, cache)).Value.WaitAsync(cancellationToken);
    }

    // Once for all who ask for it at the same time.
    private async Task<bool> LinkAsync(Cache cache, (RepositoryKey Repository, Digest Digest) one)
    {
        await Task.Yield();
        try
        {
            // Another one may have just done it.
            if (await room.Stores.Metadata.ReadAsync(one, static (db, one) => BlobLinks.Find(db, one.Repository, one.Digest), room.Stopping) is not null)
                return true;
            var there = await cache.Upstream.HeadBlobAsync(one.Repository.Name, one.Digest, room.Stopping);
            cache.Note(there.Failure);
            return there.Failure is null && await room.Stores.Metadata.WriteAsync(
                (one, now: room.NowMs), static (db, s) => CachedManifests.TryLinkStored(db, s.one.Repository, s.one.Digest, s.now), CancellationToken.None);
        }
        catch (Exception e) when (e is IOException and not StoreAwayException or System.Data.Common.DbException)
        {
            // The disk is full, or takes no writes: the client gets it all the same, straight from the upstream.
            return false;
        }
        finally
        {
            _linking.TryRemove(one, out _);
        }
    }

    private async Task HeadAsync(RegistryRequest request, Cache cache, Digest digest)
    {
        var answer = await fetches.HeadAsync(cache, request.Route.Repository, digest).WaitAsync(request.Aborted);
        if (!answer.TryGet(out var there, out var failure))
            await request.FailAsync(cache, failure, Outcome.BlobUnknown, "blob");
        else
            request.DescribeBlob(ContentNames.Of(digest), there.SizeBytes is { } size ? new ByteRange(0, size - 1) : null, there.SizeBytes ?? 0);
    }

    private async Task ForwardAsync(RegistryRequest request, Cache cache, Digest digest, bool anew)
    {
        var (fetch, reader) = fetches.Join(cache, request.Route.Repository, digest, anew);
        await using var joined = reader;
        if (await fetch.Opening.WaitAsync(request.Aborted) is { } failure)
        {
            Note(request, "failed");
            await request.FailAsync(cache, failure, Outcome.BlobUnknown, "blob");
            return;
        }
        if (fetch.WasStored)
        {
            // If it can't be used this comes back, and then fetches it.
            await Stored(request);
            return;
        }
        var part = (ByteRange?)null;
        if (fetch.SizeBytes is { } size)
        {
            part = await request.ChoosePartAsync(ContentNames.Of(digest), size);
            if (part is not { } chosen)
                return;
            if (chosen.LengthBytes != size)
                reader.Restrict(chosen.First, chosen.Last + 1);
        }
        request.DescribeBlob(ContentNames.Of(digest), part, fetch.SizeBytes ?? 0);
        try
        {
            await SendAsync(request, reader);
        }
        catch (FetchBrokenException e) when (!request.Context.Response.HasStarted)
        {
            request.Context.Response.Clear();
            if (e.IsOurs)
                await request.FailAsync(Outcome.StoreUnreadable, "what was fetched could not be read back from this server's disk; the operator has been told. Try again");
            else
                await request.FailAsync(cache, new RegistryFailure(RegistryOutcome.Unavailable, e.Message), Outcome.BlobUnknown, "blob");
        }
    }

    private static async Task SendAsync(RegistryRequest request, FetchReader reader)
    {
        var pipe = request.Context.Response.BodyWriter;
        // Who waits holds no memory, and takes no more than there is: a hundred clients wait for the same few bytes at a time.
        while (await reader.WaitAsync(request.Aborted) is var available and > 0)
        {
            var chunk = pipe.GetMemory((int)Math.Min(available, ChunkBytes));
            if (chunk.Length > ChunkBytes)
                chunk = chunk[..ChunkBytes];
            var read = await reader.ReadAsync(chunk, request.Aborted);
            if (read == 0)
                return;
            pipe.Advance(read);
            if ((await pipe.FlushAsync(request.Aborted)).IsCompleted)
                return;
        }
    }

    private static void Note(RegistryRequest request, string answer)
    {
        request.CacheAnswer = answer;
        CacheMetrics.Asked(request.Registry.Name, "blob", answer);
    }
}
