using Holdfast.Client;
using Holdfast.Oci;
using Holdfast.Server;
using Holdfast.Server.Blobs;
using Holdfast.Server.Caching;
using Holdfast.Server.Http;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Metadata;

namespace Simulation.Caches;

/// <summary>One GET of a blob of a cache, the ways of its endpoint: from the store, while it is fetched, or from another registry's bytes.</summary>
internal sealed class CacheBlobPull(World world, CacheParts parts, Cache cache, int number, int repository, Digest digest)
{
    private readonly RepositoryKey _key = world.Caches!.KeyOf(number, repository);
    private int _damages;

    /// <summary>May the client lose interest, or want only a part?</summary>
    public bool Leaves { get; init; }

    private ServerProcess Server => world.Process;

    /// <returns>Did all that was wanted come?</returns>
    public async Task<bool> RunAsync()
    {
        world.Steps++;
        _damages = world.DamagesOf(digest);
        world.Caches!.BeginTransfer(digest);
        using var transfer = parts.Transfers.Enter(digest);
        try
        {
            if (await TrySendStoredAsync() is { } sent)
                return sent;
            if (await TryLinkAsync() && await TrySendStoredAsync() is { } sentLinked)
                return sentLinked;
            return await ForwardAsync(anew: false) ?? await TrySendStoredAsync() ?? await ForwardAsync(anew: true) ?? false;
        }
        catch (IOException e) when (world.MayFail)
        {
            Trace($"broken off: {e.Message}");
            return false;
        }
        finally
        {
            world.Caches!.EndTransfer(digest);
        }
    }

    /// <returns>Null: it is not there, or not as it should be.</returns>
    private async Task<bool?> TrySendStoredAsync()
    {
        var found = await Server.Metadata.ReadAsync((_key, digest), static (db, s) => BlobLinks.Find(db, s._key, s.digest), CancellationToken.None);
        if (found is not { } visible)
            return null;
        var reader = await new BlobOpening(Server.Checks.Verifier).OpenAsync(Server.Stores.Blobs, visible, CancellationToken.None);
        if (reader is null)
            return null;
        if (!Server.Checks.Verifier.Trusts(visible, reader))
        {
            await reader.DisposeAsync();
            if (await Server.Metadata.ReadAsync(digest, static (db, digest) => BlobChecks.Find(db, digest), CancellationToken.None) is not { } row)
                return false;
            var check = await Server.Checks.Verifier.CheckAsync(row, pace: null, CancellationToken.None);
            if (check.Verdict is BlobVerdict.Missing or BlobVerdict.Corrupt)
                return null;
            reader = check.Verdict == BlobVerdict.Right ? await Server.Stores.Blobs.OpenAsync(digest, CancellationToken.None) : null;
            if (reader is null || reader.Stamp != check.Stamp)
                return false;
        }
        await using (reader)
            return await SendAsync(reader);
    }

    private async Task<bool?> SendAsync(BlobReader reader)
    {
        var bytes = new byte[reader.SizeBytes];
        for (var filled = 0; filled < bytes.Length;)
        {
            var read = await reader.ReadAsync(filled, bytes.AsMemory(filled), CancellationToken.None);
            if (read == 0)
                return false;
            filled += read;
        }
        if (await reader.WasChangedAsync(CancellationToken.None))
            return false;
        ShouldBeRight(bytes, 0, bytes.Length);
        return true;
    }

    private async Task<bool> TryLinkAsync()
    {
        if (!await Server.Metadata.ReadAsync((_key, digest), static (db, s) => CachedManifests.IsStoredElsewhere(db, s._key, s.digest), CancellationToken.None))
            return false;
        var there = await cache.Upstream.HeadBlobAsync(_key.Name, digest, CancellationToken.None);
        cache.Note(there.Failure);
        return there.Failure is null && await Server.Metadata.WriteAsync(
            (_key, digest, now: Server.NowMs), static (db, s) => CachedManifests.TryLinkStored(db, s._key, s.digest, s.now), CancellationToken.None);
    }

    /// <returns>Null: it is in the store by now.</returns>
    private async Task<bool?> ForwardAsync(bool anew)
    {
        var (fetch, reader) = parts.Blobs.Join(cache, _key.Name, digest, anew);
        await using var joined = reader;
        if (await fetch.Opening is { } failure)
        {
            Trace(failure.Detail);
            if (failure.Outcome == RegistryOutcome.Unknown && !world.Caches!.Upstreams[number].HasSaidAbsent(repository, digest))
                throw new BrokenPromiseException($"{cache.Name}: {Content.NameOf(digest)} is answered with 404, which the upstream has not said");
            return false;
        }
        if (fetch.WasStored)
            return null;
        var (first, end) = Choose(fetch.SizeBytes);
        if (first > 0 || end < fetch.SizeBytes)
            reader.Restrict(first, end!.Value);
        return await ReceiveAsync(reader, first, end);
    }

    private (long First, long? End) Choose(long? sizeBytes)
    {
        if (!Leaves || sizeBytes is not > 1 || world.Random.Next(6) > 0)
            return (0, sizeBytes);
        var first = world.Random.NextInt64(sizeBytes.Value);
        return (first, first + 1 + world.Random.NextInt64(sizeBytes.Value - first));
    }

    private async Task<bool> ReceiveAsync(FetchReader reader, long first, long? end)
    {
        var received = new List<byte>();
        var buffer = new byte[30_000];
        // Some are slow, and some lose patience.
        var isSlow = world.Random.Next(4) == 0;
        while (true)
        {
            var read = await reader.ReadAsync(buffer, CancellationToken.None);
            received.AddRange(buffer.AsSpan(0, read));
            // With a stated length the answer is complete with its last byte, without one at its end.
            if (read == 0 || received.Count == end - first)
                break;
            if (Leaves && world.Random.Next(20) == 0)
            {
                Trace($"the client leaves after {received.Count} bytes");
                return false;
            }
            if (isSlow)
                await world.Schedule.Wait("a slow client", Scheduling.Faults.None);
        }
        if (end is { } stated && received.Count != stated - first)
            return false; // The client knows that something is missing.
        ShouldBeRight([.. received], first, end ?? Content.BytesOf(digest).Length);
        return true;
    }

    private void ShouldBeRight(byte[] bytes, long first, long end)
    {
        // Somebody who changes bytes while they are read is not found out.
        if (_damages != world.DamagesOf(digest))
            return;
        var right = Content.BytesOf(digest);
        if (end > right.Length || !bytes.AsSpan().SequenceEqual(right.AsSpan((int)first, (int)(end - first))))
            throw new BrokenPromiseException($"wrong bytes of {Content.NameOf(digest)} were served by {cache.Name}, {first} to {end}");
    }

    private void Trace(string what) => world.Trace?.Invoke($"    {cache.Name}/u{repository} {Content.NameOf(digest)}: {what}");
}
