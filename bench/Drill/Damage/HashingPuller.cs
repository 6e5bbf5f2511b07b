using System.Collections.Concurrent;
using Holdfast.Drill.Images;
using Holdfast.Drill.Protocol;

namespace Holdfast.Drill.Damage;

/// <summary>
/// Pulls everything again and again and hashes what comes whole. Only files that were damaged, and not healed yet, may fail; nothing at all may come whole
/// with wrong bytes.
/// </summary>
/// <param name="mayFail">Whether this digest is damaged just now.</param>
internal sealed class HashingPuller(RegistryClient client, string repository, IReadOnlyList<Manifest> images, Func<string, bool> mayFail)
{
    private long _whole;
    private long _interrupted;

    public long Whole => _whole;

    public long Interrupted => _interrupted;

    public ConcurrentQueue<string> Faults { get; } = [];

    public async Task RunAsync(int seed, Func<bool> goesOn, CancellationToken token)
    {
        var random = new Random(seed);
        while (goesOn() && !token.IsCancellationRequested)
            await PullAsync(images[random.Next(images.Count)], token);
    }

    private async Task PullAsync(Manifest image, CancellationToken token)
    {
        await CheckAsync(image.Digest, () => client.GetManifestAsync(repository, image.Digest, token));
        foreach (var blob in image.Blobs)
            await CheckAsync(blob.Digest, () => client.GetBlobAsync(repository, blob.Digest, token));
    }

    private async Task CheckAsync(string digest, Func<Task<Answer>> getAsync)
    {
        var couldFail = mayFail(digest);
        var answer = await getAsync();
        if (answer.Status == 200)
        {
            Interlocked.Increment(ref _whole);
            if (Content.NameOf(answer.Body) != digest)
                Faults.Enqueue($"WRONG BYTES: a whole 200 for {digest} has the hash {Content.NameOf(answer.Body)}");
        }
        else
        {
            Interlocked.Increment(ref _interrupted);
            if (!couldFail && !mayFail(digest))
                Faults.Enqueue($"HURT: {digest}, which nobody damaged: {answer}");
        }
    }
}
