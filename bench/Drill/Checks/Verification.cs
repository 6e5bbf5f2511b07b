using System.Collections.Concurrent;
using System.Diagnostics;
using Holdfast.Drill.Images;
using Holdfast.Drill.Ledgers;
using Holdfast.Drill.Protocol;

namespace Holdfast.Drill.Checks;

/// <summary>
/// Compares a server that nobody is changing with the ledger: what it owes is there and whole, what was deleted is gone, and what was never
/// answered is the one or the other, whole. What was seen is then owed, too.
/// </summary>
internal sealed class Verification(Ledger ledger, RegistryClient client, Random random)
{
    private const int Connections = 4;
    private static readonly TimeSpan CollectionTakes = TimeSpan.FromSeconds(10);

    private long _tags;
    private long _manifests;

    /// <summary>All of it, bytes included; else a share of the blobs is read and the others are asked for.</summary>
    public bool ReadsEverything { get; init; }

    /// <summary>After this, the manifests that no tag names are left for a later round. Tags never are.</summary>
    public TimeSpan Limit { get; init; } = TimeSpan.MaxValue;

    public ConcurrentQueue<string> Faults { get; } = [];

    public long Tags => _tags;

    public long Manifests => _manifests;

    public async Task RunAsync(CancellationToken token)
    {
        var since = Stopwatch.StartNew();
        var salt = random.Next();
        var walk = new ImageWalk(client, digest => ReadsEverything || (digest[^1] + salt) % 4 == 0);
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = Connections, CancellationToken = token };
        await Parallel.ForEachAsync(Shuffled(ledger.Tags), parallel, async (tag, ct) => await CheckTagAsync(walk, tag.Repository, tag.Tag, ct));
        await Parallel.ForEachAsync(Shuffled(ledger.Manifests), parallel, async (manifest, ct) =>
        {
            if (since.Elapsed < Limit)
                await CheckManifestAsync(walk, manifest, ct);
        });
    }

    private async Task CheckTagAsync(ImageWalk walk, string repository, string tag, CancellationToken token)
    {
        Interlocked.Increment(ref _tags);
        var register = ledger.Tag(repository, tag);
        var possible = ledger.PossibleOf(repository, tag);
        var answer = await client.GetManifestAsync(repository, tag, token);
        if (answer.Status is not (200 or 404))
        {
            Faults.Enqueue($"tag {repository}:{tag}: {answer}");
            return;
        }

        var found = answer.Status == 200 ? Content.NameOf(answer.Body) : "";
        if (!possible.Contains(found))
        {
            Faults.Enqueue($"{(found.Length == 0 ? "LOST" : possible.SetEquals([""]) ? "UNDEAD" : "MIXED UP")}: tag {repository}:{tag} is [{found}], not one of [{string.Join(", ", possible)}]");
            return;
        }

        if (found.Length > 0)
            AddBroken($"tag {repository}:{tag}", await walk.CheckAsync(repository, found, token));
        ledger.Settle(register, found);
    }

    private async Task CheckManifestAsync(ImageWalk walk, ManifestRecord manifest, CancellationToken token)
    {
        Interlocked.Increment(ref _manifests);
        var name = $"{manifest.Repository}@{manifest.Digest}";
        if (ledger.IsOwed(manifest))
        {
            AddBroken(name, await walk.CheckAsync(manifest.Repository, manifest.Digest, token));
            return;
        }

        var deleted = manifest.State.Only == "";
        var answer = await client.GetManifestAsync(manifest.Repository, manifest.Digest, token);
        if (answer.Status is not (200 or 404) || (deleted && answer.Status == 200))
        {
            Faults.Enqueue($"{(answer.Status == 200 ? "UNDEAD" : "ANSWER")}: {name}, {(deleted ? "deleted" : "undecided")}: {answer.Status}");
            return;
        }

        if (answer.Status == 404)
            ledger.Forget(manifest);
        else if (await walk.CheckAsync(manifest.Repository, manifest.Digest, token) is { Count: > 0 } faults && !await GoesAsync(manifest, token))
            AddBroken($"{name}, neither whole nor gone", faults);
        else
            ledger.Settle(manifest.State, ManifestRecord.Present);
    }

    // Released, and so perhaps just being collected: then the manifest itself is gone a moment later.
    private async Task<bool> GoesAsync(ManifestRecord manifest, CancellationToken token)
    {
        for (var since = Stopwatch.StartNew(); manifest.Released && since.Elapsed < CollectionTakes; await Task.Delay(20, token))
        {
            if ((await client.GetManifestAsync(manifest.Repository, manifest.Digest, token)).Status == 404)
                return true;
        }

        return false;
    }

    private void AddBroken(string what, IReadOnlyList<string> faults)
    {
        foreach (var fault in faults)
            Faults.Enqueue($"BROKEN: {what}: {fault}");
    }

    private List<T> Shuffled<T>(IReadOnlyList<T> items)
    {
        var list = items.ToArray();
        random.Shuffle(list);
        return [.. list];
    }
}
