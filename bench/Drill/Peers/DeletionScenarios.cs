using Holdfast.Drill.Images;

namespace Holdfast.Drill.Peers;

/// <summary>What a DELETE may not take.</summary>
internal static class DeletionScenarios
{
    private const string Repository = "drill/deleted";

    public static IReadOnlyList<Scenario> All { get; } =
    [
        new("R5", "DELETE of a child while its index lives", DeleteChildAsync),
        new("R6", "DELETE of a layer in use", DeleteLayerAsync),
        new("R9", "aaa lost the children of an index that bbb has whole", LoseInOneRepositoryAsync),
    ];

    private static async Task<Finding> DeleteChildAsync(Subject subject, CancellationToken token)
    {
        var index = NewIndex(5);
        await Scenario.PushAsync(subject, Repository, index, ["latest"], token);
        var deleted = await subject.Client.DeleteManifestAsync(Repository, index.Children[0].Digest, token);
        var pull = await Scenario.PullAsync(subject, Repository, index.Digest, token);
        var named = deleted.Text.Contains(index.Digest, StringComparison.Ordinal);
        return new Finding(deleted.Status == 409 && named && pull.Right, $"{deleted.Status}{(named ? ", naming the index" : "")}; {pull.What}");
    }

    private static async Task<Finding> DeleteLayerAsync(Subject subject, CancellationToken token)
    {
        var image = new ImageMaker(new Random(6), 1000).Image();
        await Scenario.PushAsync(subject, Repository, image, ["latest"], token);
        var deleted = await subject.Client.DeleteBlobAsync(Repository, image.Blobs[1].Digest, token);
        var pull = await Scenario.PullAsync(subject, Repository, image.Digest, token);
        var named = deleted.Text.Contains(image.Digest, StringComparison.Ordinal);
        return new Finding(deleted.Status == 409 && named && pull.Right, $"{deleted.Status}{(named ? ", naming the manifest" : "")}; {pull.What}");
    }

    private static async Task<Finding> LoseInOneRepositoryAsync(Subject subject, CancellationToken token)
    {
        var index = NewIndex(9);
        await Scenario.PushAsync(subject, "aaa", index, ["latest"], token);
        await Scenario.PushAsync(subject, "bbb", index, ["latest"], token);
        // Where children can be deleted from under their index, this is how they get lost; elsewhere they go with it.
        await DeleteChildrenAsync(subject, index, token);
        if ((await subject.Client.HeadManifestAsync("aaa", index.Children[0].Digest, token)).Status == 200)
        {
            await subject.Client.DeleteManifestAsync("aaa", index.Digest, token);
            await DeleteChildrenAsync(subject, index, token);
        }

        await subject.CollectAsync(untagged: true, token);
        await subject.RestartAsync(token);
        var pull = await Scenario.PullAsync(subject, "bbb", index.Digest, token);
        return pull with { What = "bbb: " + pull.What };
    }

    private static async Task DeleteChildrenAsync(Subject subject, Manifest index, CancellationToken token)
    {
        foreach (var child in index.Children)
            await subject.Client.DeleteManifestAsync("aaa", child.Digest, token);
    }

    private static Manifest NewIndex(int seed)
    {
        var images = new ImageMaker(new Random(seed), 1000);
        return images.Index(images.Image(sharing: false), images.Image(sharing: false));
    }
}
