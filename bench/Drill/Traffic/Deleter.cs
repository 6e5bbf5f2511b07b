using Holdfast.Drill.Ledgers;
using Holdfast.Drill.Protocol;

namespace Holdfast.Drill.Traffic;

/// <summary>A client that deletes tags, manifests and blobs, also such as are in use: those must be refused (409).</summary>
internal sealed class Deleter(RegistryClient client, Ledger ledger, int seed)
{
    private readonly Random _random = new(seed);

    public PushCounts Counts { get; } = new();

    public long Deleted { get; private set; }

    public long GuardedRefusals { get; private set; }

    /// <param name="pause">Between two deletes, so that pushers stay ahead.</param>
    public async Task RunAsync(Func<bool> goesOn, TimeSpan pause, CancellationToken token)
    {
        while (goesOn() && !token.IsCancellationRequested)
        {
            if (!await DeleteOneAsync(token))
                return;
            await Task.Delay(pause, token);
        }
    }

    /// <returns>False: a request wasn't answered.</returns>
    public async Task<bool> DeleteOneAsync(CancellationToken token)
    {
        if (_random.Next(3) == 0)
            return await DeleteTagAsync(token);
        if (ledger.PickManifest(_random) is not { } chosen)
            return true;
        return _random.Next(3) == 0 ? await DeleteBlobAsync(chosen, token) : await DeleteManifestAsync(chosen, token);
    }

    private async Task<bool> DeleteTagAsync(CancellationToken token)
    {
        if (ledger.PickTag(_random) is not var (repository, tag))
            return true;
        var end = ledger.BeginDeleteTag(repository, tag);
        return Note(await client.DeleteManifestAsync(repository, tag, token), $"DELETE of tag {repository}:{tag}", end);
    }

    private async Task<bool> DeleteManifestAsync(ManifestRecord manifest, CancellationToken token)
    {
        var holder = ledger.HolderOf(manifest.Repository, manifest.Digest);
        var end = ledger.BeginDeleteManifest(manifest);
        var answer = await client.DeleteManifestAsync(manifest.Repository, manifest.Digest, token);
        var what = $"DELETE of manifest {manifest.Repository}@{manifest.Digest}";
        // The delete of a tag's own manifest is one of that tag's changes itself.
        if (holder is { IsParent: true } parent)
            Guard(answer, parent, what);
        return Note(answer, what, end);
    }

    private async Task<bool> DeleteBlobAsync(ManifestRecord manifest, CancellationToken token)
    {
        if (manifest.Blobs.Count == 0)
            return true;
        var blob = manifest.Blobs[_random.Next(manifest.Blobs.Count)];
        var holder = ledger.HolderOf(manifest.Repository, manifest.Digest);
        var answer = await client.DeleteBlobAsync(manifest.Repository, blob, token);
        var what = $"DELETE of blob {manifest.Repository}@{blob}";
        if (holder is { } tag)
            Guard(answer, tag, what);
        return Note(answer, what, _ => { });
    }

    private void Guard(Answer answer, (Register Tag, long Begun, bool IsParent) holder, string what)
    {
        if (!answer.IsKnown || !ledger.StillHolds(holder))
            return;
        if (answer.Status == 409)
            GuardedRefusals++;
        else
            Counts.Faults.Enqueue($"{what}, which a tagged image needs: {answer}");
    }

    private bool Note(Answer answer, string what, Action<bool?> end)
    {
        // 404: it is gone already, which is what was asked for.
        end(answer.IsKnown ? answer.Status is 202 or 404 : null);
        Deleted += answer.Status == 202 ? 1 : 0;
        return Counts.Note(answer, what, 202, 404, 409) != 0;
    }
}
