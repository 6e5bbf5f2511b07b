using Holdfast.Drill.Images;
using Holdfast.Drill.Protocol;

namespace Holdfast.Drill.Peers;

/// <summary>What a collection may not take.</summary>
internal static class CollectionScenarios
{
    private const string Repository = "drill/collected";

    public static IReadOnlyList<Scenario> All { get; } =
    [
        new("R1", "one of two tags of an index removed, collected", RemoveOneTagAsync),
        new("R2", "tagged index, untagged manifests collected", CollectBesideIndexAsync),
        new("R3", "the same process asked after R2: HEAD and GET", AskAgainAsync),
        new("R4", "blobs uploaded, collected, then their manifest put", PutAfterCollectionAsync) { Lease = TimeSpan.Zero },
    ];

    private static async Task<Finding> RemoveOneTagAsync(Subject subject, CancellationToken token)
    {
        var index = NewIndex(1);
        await Scenario.PushAsync(subject, Repository, index, ["one", "two"], token);
        await subject.RemoveTagAsync(Repository, "one", token);
        await subject.CollectAsync(untagged: false, token);
        await subject.RestartAsync(token);
        return await Scenario.PullAsync(subject, Repository, index.Digest, token);
    }

    private static async Task<Finding> CollectBesideIndexAsync(Subject subject, CancellationToken token)
    {
        var index = NewIndex(2);
        await Scenario.PushAsync(subject, Repository, index, ["latest"], token);
        await subject.CollectAsync(untagged: true, token);
        await subject.RestartAsync(token);
        return await Scenario.PullAsync(subject, Repository, index.Digest, token);
    }

    private static async Task<Finding> AskAgainAsync(Subject subject, CancellationToken token)
    {
        var index = NewIndex(3);
        await Scenario.PushAsync(subject, Repository, index, ["latest"], token);
        var blobs = index.Closure.SelectMany(manifest => manifest.Blobs).ToList();
        foreach (var blob in blobs)
            await subject.Client.GetBlobAsync(Repository, blob.Digest, token);
        await subject.CollectAsync(untagged: true, token);
        foreach (var blob in blobs)
        {
            var head = await subject.Client.HeadBlobAsync(Repository, blob.Digest, token);
            var got = await subject.Client.GetBlobAsync(Repository, blob.Digest, token);
            if (head.Status != got.Status || !IsWhole(got, blob))
                return new Finding(false, $"HEAD {head.Status}, GET {(got.IsKnown ? $"{got.Status} with {got.Body.Length} bytes" : "promises bytes that don't come")}");
        }

        return new Finding(true, "HEAD and GET agree, and the bytes are right");
    }

    private static async Task<Finding> PutAfterCollectionAsync(Subject subject, CancellationToken token)
    {
        var image = new ImageMaker(new Random(4), 1000).Image();
        foreach (var blob in image.Blobs)
            Scenario.Expect(await subject.Client.UploadAsync(Repository, blob, UploadWay.Put, token), 201, "upload");
        await subject.CollectAsync(untagged: false, token);
        var put = await subject.Client.PutManifestAsync(Repository, image, ["latest"], token);
        if (put.Status == 201)
        {
            var pull = await Scenario.PullAsync(subject, Repository, image.Digest, token);
            return pull with { What = $"201, {pull.What}" };
        }

        var named = image.Blobs.Count(blob => put.Text.Contains(blob.Digest, StringComparison.Ordinal));
        return new Finding(put.Status == 400 && named == image.Blobs.Count, $"{put.Status}, naming {named} of {image.Blobs.Count} that are missing");
    }

    private static Manifest NewIndex(int seed)
    {
        var images = new ImageMaker(new Random(seed), 1000);
        return images.Index(images.Image(sharing: false), images.Image(sharing: false));
    }

    private static bool IsWhole(Answer answer, Content blob) => answer.Status == 200 && Content.NameOf(answer.Body) == blob.Digest;
}
