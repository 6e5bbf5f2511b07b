using System.Collections.Concurrent;
using Holdfast.Oci;

namespace Holdfast.Client.Walk;

/// <summary>A manifest as one repository gives it.</summary>
/// <param name="Digest">None if the reference could not be resolved.</param>
/// <param name="View">Null if there is a problem.</param>
internal sealed record LoadedManifest(Digest Digest, ManifestView? View, Problem? Problem);

/// <summary>The objects of one repository, each asked for once however many images share it.</summary>
internal sealed class RepositoryObjects(
    RegistryClient client, RepositoryName repository, WalkOptions options, WalkCounts counts, SemaphoreSlim slots, CancellationToken token)
{
    private readonly ConcurrentDictionary<Digest, Lazy<Task<LoadedManifest>>> _manifests = new();
    private readonly ConcurrentDictionary<(Digest Digest, long SizeBytes), Lazy<Task<Problem?>>> _blobs = new();

    /// <summary>What a tag or a digest leads to, asked anew each time for a tag.</summary>
    public async Task<LoadedManifest> ResolveAsync(Reference reference)
    {
        if (reference.IsDigest)
            return await ManifestAsync(reference.Digest);
        if (await RecallTagAsync(reference) is { } recalled)
            return recalled;
        var loaded = await FetchAsync(reference);
        if (!loaded.Digest.IsNone)
            _manifests.TryAdd(loaded.Digest, new Lazy<Task<LoadedManifest>>(Task.FromResult(loaded)));
        return loaded;
    }

    public Task<LoadedManifest> ManifestAsync(Digest digest) =>
        _manifests.GetOrAdd(digest, wanted => new Lazy<Task<LoadedManifest>>(() => FetchAsync(wanted))).Value;

    /// <returns>What is wrong with a config or a layer, or null.</returns>
    public Task<Problem?> BlobAsync(Descriptor blob) =>
        _blobs.GetOrAdd((blob.Digest, blob.SizeBytes), _ => new Lazy<Task<Problem?>>(() => CheckAsync(blob))).Value;

    /// <summary>Where the tag leads now; none if that can't be learnt or it is gone.</summary>
    public async Task<RegistryAnswer<RemoteManifestHead>> HeadAsync(Reference reference)
    {
        await slots.WaitAsync(token);
        try
        {
            counts.AddHead();
            return await client.HeadManifestAsync(repository, reference, token);
        }
        finally
        {
            slots.Release();
        }
    }

    public async Task<T> AskAsync<T>(Func<RegistryClient, ValueTask<T>> ask)
    {
        await slots.WaitAsync(token);
        try
        {
            return await ask(client);
        }
        finally
        {
            slots.Release();
        }
    }

    /// <summary>For another look after something changed: what was right stays so.</summary>
    public void ForgetProblems()
    {
        foreach (var (digest, manifest) in _manifests)
        {
            if (manifest is { IsValueCreated: true, Value: { IsCompletedSuccessfully: true } done } && done.GetAwaiter().GetResult().Problem is not null)
                _manifests.TryRemove(digest, out _);
        }
        foreach (var (blob, check) in _blobs)
        {
            if (check is { IsValueCreated: true, Value: { IsCompletedSuccessfully: true } done } && done.GetAwaiter().GetResult() is not null)
                _blobs.TryRemove(blob, out _);
        }
    }

    // A tag that still leads to what is known costs one HEAD.
    private async Task<LoadedManifest?> RecallTagAsync(Reference tag)
    {
        if (!options.Ledger.Recalls)
            return null;
        var head = await HeadAsync(tag);
        if (!head.TryGet(out var stated, out _) || stated.Digest.IsNone || !options.Ledger.TryRecall(stated.Digest, out var view))
            return null;
        if (stated.SizeBytes is { } size && size != view.SizeBytes)
            return null;
        var loaded = new LoadedManifest(stated.Digest, view, null);
        if (_manifests.TryAdd(stated.Digest, new Lazy<Task<LoadedManifest>>(Task.FromResult(loaded))))
            counts.AddManifest(view.IsIndex);
        return loaded;
    }

    private async Task<LoadedManifest> FetchAsync(Reference reference)
    {
        if (reference.IsDigest && options.Ledger.TryRecall(reference.Digest, out var known))
        {
            var head = await HeadAsync(reference);
            // What HEAD says differently is asked for in full below.
            if (head.TryGet(out var stated, out _) && (stated.SizeBytes ?? known.SizeBytes) == known.SizeBytes)
            {
                counts.AddManifest(known.IsIndex);
                return new LoadedManifest(reference.Digest, known, null);
            }
        }
        var answer = await AskAsync(client => client.GetManifestAsync(repository, reference, token));
        if (!answer.TryGet(out var manifest, out var failure))
            return new LoadedManifest(reference.Digest, null, Problem.Of(failure));
        counts.AddRead(manifest.Payload.Length);
        counts.AddExpected(manifest.Payload.Length);
        if (!ManifestViewReader.TryRead(manifest, out var view, out var problem))
        {
            counts.AddManifest(isIndex: false);
            return new LoadedManifest(manifest.Digest, null, new Problem(FindingKind.Unusable, $"the manifest {problem}", 200, "", manifest.Payload.Length));
        }
        counts.AddManifest(view.IsIndex);
        options.Ledger.Note(manifest.Digest, view);
        return new LoadedManifest(manifest.Digest, view, null);
    }

    private async Task<Problem?> CheckAsync(Descriptor blob)
    {
        counts.AddBlob();
        if (options.Fast || options.Ledger.IsFresh(blob.Digest))
            return await HeadOrReadAsync(blob);
        counts.AddExpected(blob.SizeBytes);
        Problem? found = null;
        var shared = await options.Ledger.ReadOrShareAsync(blob.Digest, async () => (found = await ReadAsync(blob)) is null);
        if (!shared)
            return found;
        counts.AddExpected(-blob.SizeBytes);
        return await HeadOrReadAsync(blob);
    }

    private async Task<Problem?> HeadOrReadAsync(Descriptor blob)
    {
        var head = await AskAsync(client =>
        {
            counts.AddHead();
            return client.HeadBlobAsync(repository, blob.Digest, token);
        });
        if (!head.TryGet(out var stated, out var failure))
            return Problem.Of(failure);
        // Without a size HEAD says too little.
        if (stated.SizeBytes is not { } size)
            return await ReadAsync(blob);
        return size == blob.SizeBytes ? null
            : new Problem(FindingKind.WrongSize, $"{blob.Digest} has {size} bytes there instead of {blob.SizeBytes}", 200, "", size);
    }

    private async Task<Problem?> ReadAsync(Descriptor blob)
    {
        var answer = await AskAsync(client => client.DownloadBlobAsync(repository, blob.Digest, blob.SizeBytes, chunk =>
        {
            counts.AddRead(chunk.Length);
            return ValueTask.CompletedTask;
        }, token));
        return answer.TryGet(out _, out var failure) ? null : Problem.Of(failure);
    }
}
