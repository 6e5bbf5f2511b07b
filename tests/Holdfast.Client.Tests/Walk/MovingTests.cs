using Shouldly;
using Xunit;

namespace Holdfast.Client.Tests.Walk;

/// <summary>Registries that are pushed to and deleted from while they are walked.</summary>
public class MovingTests
{
    [Fact]
    public async Task Walk_OfATagThatMovesWhileItIsRead_ReadsTheNewImage()
    {
        var content = new FakeContent();
        var (before, after) = (content.AddImage(1, layers: 1), content.AddImage(2, layers: 1));
        content.Tags["v1"] = before;
        var gone = Samples.DigestOf(Samples.Bytes(100, 1_000));
        content.Instead = (context, path) =>
        {
            if (!path.EndsWith($"/blobs/{gone}", StringComparison.Ordinal))
                return FakeContent.AsUsual;
            content.Tags["v1"] = after;
            return context.AnswerAsync(404);
        };
        await using var upstream = await content.StartAsync();

        var root = (await Walking.TagsAsync(upstream, null, "v1")).Roots.Single();

        root.IsWhole.ShouldBeTrue();
        root.Digest.ShouldBe(after);
        root.Notes.ShouldContain(note => note.Contains("moved", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Walk_OfATagThatMovesForEver_Ends()
    {
        var content = new FakeContent();
        var images = Enumerable.Range(0, 40).Select(i => content.AddImage(i, layers: 1)).ToList();
        var asked = 0;
        content.Tags["v1"] = images[0];
        content.Instead = (context, path) =>
        {
            if (!path.Contains("/blobs/", StringComparison.Ordinal))
                return FakeContent.AsUsual;
            content.Tags["v1"] = images[Interlocked.Increment(ref asked) % images.Count];
            return context.AnswerAsync(404);
        };
        await using var upstream = await content.StartAsync();

        (await Walking.TagsAsync(upstream, null, "v1")).FindingCount.ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task Walk_OfATagThatIsDeletedWhileItIsRead_IsNoFinding()
    {
        var content = new FakeContent();
        content.Tags["kept"] = content.AddImage(1);
        content.Tags["going"] = content.AddImage(2, layers: 1);
        var gone = Samples.DigestOf(Samples.Bytes(200, 1_000));
        content.Instead = (context, path) =>
        {
            if (!path.EndsWith($"/blobs/{gone}", StringComparison.Ordinal))
                return FakeContent.AsUsual;
            content.Tags.TryRemove("going", out _);
            return context.AnswerAsync(404);
        };
        await using var upstream = await content.StartAsync();

        var report = await Walking.TagsAsync(upstream, null, "going", "kept");

        report.FindingCount.ShouldBe(0);
        report.Roots[0].Notes.ShouldHaveSingleItem().ShouldContain("deleted");
    }

    [Fact]
    public async Task Walk_OfATagThatIsListedAndNotThere_IsAFinding()
    {
        var content = new FakeContent();
        content.Tags["v1"] = content.AddImage(1);
        content.Manifests.Clear();
        await using var upstream = await content.StartAsync();

        (await Walking.TagsAsync(upstream, null, "v1")).OnlyFinding().Path.Count.ShouldBe(1);
    }
}
