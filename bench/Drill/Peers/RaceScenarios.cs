using Holdfast.Drill.Images;
using Holdfast.Drill.Protocol;

namespace Holdfast.Drill.Peers;

/// <summary>What a collection does beside pushes.</summary>
internal static class RaceScenarios
{
    private const int Pushers = 8;
    private const string Repository = "drill/raced";
    private static readonly TimeSpan Takes = TimeSpan.FromSeconds(6);

    // Long enough for pushes to go on, short enough that most of them meet a collection.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    public static IReadOnlyList<Scenario> All { get; } =
    [
        new("R10", "8 pushers beside a collection that is run again and again", PushBesideCollectionAsync),
    ];

    private static async Task<Finding> PushBesideCollectionAsync(Subject subject, CancellationToken token)
    {
        using var time = CancellationTokenSource.CreateLinkedTokenSource(token);
        time.CancelAfter(Takes);
        var pushers = Enumerable.Range(0, Pushers).Select(number => PushUntilAsync(subject, number, time.Token, token)).ToList();
        while (!time.IsCancellationRequested)
        {
            await subject.CollectAsync(untagged: false, token);
            await Task.Delay(Pause, token);
        }

        var pushed = (await Task.WhenAll(pushers)).SelectMany(digests => digests).ToList();
        await subject.RestartAsync(token);
        var broken = 0;
        foreach (var digest in pushed)
            broken += (await Scenario.PullAsync(subject, Repository, digest, token)).Right ? 0 : 1;
        return new Finding(broken == 0 && pushed.Count > 0, $"{broken} of {pushed.Count} pushes broken");
    }

    /// <returns>The manifests that were acknowledged.</returns>
    private static async Task<List<string>> PushUntilAsync(Subject subject, int number, CancellationToken end, CancellationToken token)
    {
        var images = new ImageMaker(new Random(number), 1000);
        var accepted = new List<string>();
        for (var i = 0; !end.IsCancellationRequested; i++)
        {
            var image = images.Image(sharing: false);
            foreach (var blob in image.Blobs)
                await subject.Client.UploadAsync(Repository, blob, UploadWay.Put, token);
            if ((await subject.Client.PutManifestAsync(Repository, image, [$"p{number}-{i}"], token)).Status == 201)
                accepted.Add(image.Digest);
        }

        return accepted;
    }
}
