using Holdfast.Drill.Damage;
using Holdfast.Drill.Images;
using Holdfast.Drill.Protocol;

namespace Holdfast.Drill.Peers;

/// <summary>What the disk does.</summary>
internal static class DamageScenarios
{
    private const string Repository = "drill/damaged";

    public static IReadOnlyList<Scenario> All { get; } =
    [
        new("R7", "one bit flipped on disk", FlipAsync),
        new("R8", "the good bytes pushed again after R7", PushAgainAsync),
    ];

    private static async Task<Finding> FlipAsync(Subject subject, CancellationToken token)
    {
        var layer = await PushAndFlipAsync(subject, 7, token);
        var got = await subject.Client.GetBlobAsync(Repository, layer.Digest, token);
        var wrong = got.Status == 200 && Content.NameOf(got.Body) != layer.Digest;
        return new Finding(!wrong, wrong ? "200 with wrong bytes" : $"not served ({(got.IsKnown ? got.Status : "cut")})");
    }

    private static async Task<Finding> PushAgainAsync(Subject subject, CancellationToken token)
    {
        var layer = await PushAndFlipAsync(subject, 8, token);
        await subject.Client.GetBlobAsync(Repository, layer.Digest, token);
        var pushed = await subject.Client.UploadAsync(Repository, layer, UploadWay.Put, token);
        var got = await subject.Client.GetBlobAsync(Repository, layer.Digest, token);
        var right = got.Status == 200 && Content.NameOf(got.Body) == layer.Digest;
        return new Finding(right, $"{pushed.Status}; then {(right ? "healed" : got.Status == 200 ? "still wrong bytes" : $"GET {got}")}");
    }

    private static async Task<Content> PushAndFlipAsync(Subject subject, int seed, CancellationToken token)
    {
        var image = new ImageMaker(new Random(seed), 4000).Image();
        await Scenario.PushAsync(subject, Repository, image, ["latest"], token);
        var layer = image.Blobs[1];
        Wounds.Flip(subject.BlobFile(layer.Digest), new Random(seed));
        return layer;
    }
}
