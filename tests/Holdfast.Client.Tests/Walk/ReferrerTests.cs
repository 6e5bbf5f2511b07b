using Holdfast.Client.Walk;
using Holdfast.Oci;
using Shouldly;
using Xunit;

namespace Holdfast.Client.Tests.Walk;

/// <summary>Subjects and referrers: soft, and whole if they are there.</summary>
public class ReferrerTests
{
    [Fact]
    public async Task Walk_OfASubjectThatIsNotThere_IsANoteAndNoFinding()
    {
        var content = new FakeContent { Referrers = new() };
        var subject = content.AddImage(1);
        content.Tags["v1"] = content.AddImage(2, subject: subject);
        content.Manifests.TryRemove(subject, out _);
        await using var upstream = await content.StartAsync();

        var root = (await Walking.ReferenceAsync(upstream, "v1")).Roots.Single();

        root.IsWhole.ShouldBeTrue();
        root.Notes.ShouldHaveSingleItem().ShouldContain(subject.ToString());
    }

    [Fact]
    public async Task Walk_OfAReferrerWithAMissingLayer_IsAFindingOfTheTag()
    {
        var content = new FakeContent { Referrers = new() };
        var image = content.AddImage(1);
        var signature = content.AddImage(2, layers: 1, subject: image);
        content.Tags["v1"] = content.AddIndex((image, "linux/amd64"));
        content.Referrers[image] = $"{{\"manifests\":[{content.Entry(MediaTypes.OciManifest, signature)[..^1]},\"artifactType\":\"application/x.sig\"}}]}}";
        content.Blobs.TryRemove(Samples.DigestOf(Samples.Bytes(200, 1_000)), out _);
        await using var upstream = await content.StartAsync();

        var finding = (await Walking.ReferenceAsync(upstream, "v1")).OnlyFinding();

        finding.Path.Select(step => step.Role).ShouldBe([StepRole.Root, StepRole.Child, StepRole.Referrer, StepRole.Layer]);
        finding.Path[2].Name.ShouldBe("application/x.sig");
    }

    [Fact]
    public async Task Walk_OfAReferrerThatIsListedAndNotThere_IsAFinding()
    {
        var content = new FakeContent { Referrers = new() };
        var image = content.AddImage(1);
        var signature = content.AddImage(2, subject: image);
        content.Tags["v1"] = image;
        content.Referrers[image] = $"{{\"manifests\":[{content.Entry(MediaTypes.OciManifest, signature)}]}}";
        content.Manifests.TryRemove(signature, out _);
        await using var upstream = await content.StartAsync();

        (await Walking.ReferenceAsync(upstream, "v1")).OnlyFinding().Object.Role.ShouldBe(StepRole.Referrer);
    }

    [Fact]
    public async Task Walk_WithoutAListOfReferrers_ReadsTheFallbackTag()
    {
        var content = new FakeContent();
        var image = content.AddImage(1);
        var signature = content.AddImage(2, subject: image);
        content.Tags["v1"] = image;
        content.Tags[$"sha256-{image.Hex}"] = content.AddIndex((signature, ""));
        content.Manifests.TryRemove(signature, out _);
        await using var upstream = await content.StartAsync();

        (await Walking.ReferenceAsync(upstream, "v1")).OnlyFinding().Object.Digest.ShouldBe(signature);
        upstream.Requests.Count(seen => seen.Target.Contains("/referrers/", StringComparison.Ordinal)).ShouldBe(1);
    }

    [Fact]
    public async Task Walk_OfReferrersThatLeadInACircle_Ends()
    {
        var content = new FakeContent { Referrers = new() };
        var image = content.AddImage(1);
        var signature = content.AddImage(2, subject: image);
        content.Tags["v1"] = image;
        content.Referrers[image] = $"{{\"manifests\":[{content.Entry(MediaTypes.OciManifest, signature)}]}}";
        content.Referrers[signature] = $"{{\"manifests\":[{content.Entry(MediaTypes.OciManifest, image)}]}}";
        await using var upstream = await content.StartAsync();

        (await Walking.ReferenceAsync(upstream, "v1")).FindingCount.ShouldBe(0);
    }

    [Fact]
    public async Task Walk_OfReferrersThatCannotBeListed_IsUnchecked()
    {
        var content = new FakeContent { Referrers = new() };
        content.Tags["v1"] = content.AddImage(1);
        content.Instead = (context, path) => path.Contains("/referrers/", StringComparison.Ordinal) ? context.AnswerAsync(500) : FakeContent.AsUsual;
        await using var upstream = await content.StartAsync();

        (await Walking.ReferenceAsync(upstream, "v1")).OnlyFinding().Problem.Kind.ShouldBe(FindingKind.Unchecked);
    }
}
