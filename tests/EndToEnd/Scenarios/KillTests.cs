using System.Net;
using EndToEnd.Clients;
using EndToEnd.Images;
using EndToEnd.Servers;

namespace EndToEnd.Scenarios;

/// <summary>kill -9 during a push: afterwards the whole push is there or none of it, and nothing accepted before is hurt.</summary>
public sealed class KillTests(Lab lab)
{
    private const int Rounds = 20;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    [Promise("P1")]
    [Promise("P2")]
    public async Task Push_KilledAtEachStep_IsWholeOrAbsentAndCanBeRepeated()
    {
        await using var server = await HoldfastProcess.StartAsync(lab, new HoldfastSettings(), Token);
        var endpoint = server.For(Mode.Plain);
        var accepted = new Dictionary<string, string>();
        foreach (var step in Enum.GetValues<PushStep>())
        {
            var image = RandomImage((int)step);
            var repository = $"e2e/killed-at-{step.ToString().ToLowerInvariant()}";
            using (var push = new SteppedPush(endpoint, image, repository))
            {
                await push.RunUntilAsync(step, Token);
                await server.KillAsync();
            }

            await server.StartAsync(Token);
            var found = await TagStatusAsync(endpoint, repository);
            if (step == PushStep.ManifestAccepted)
            {
                found.ShouldBe(HttpStatusCode.OK, "201 was answered");
            }
            else if (step != PushStep.ManifestSent)
            {
                found.ShouldBe(HttpStatusCode.NotFound, $"{step}: the manifest was never sent whole");
            }

            await CheckAndRepeatAsync(endpoint, image, repository, found, accepted);
        }
    }

    [Fact]
    [Promise("P1")]
    [Promise("P2")]
    public async Task Push_KilledAtAnyMoment_IsWholeOrAbsentAndCanBeRepeated()
    {
        Require.Programs("skopeo");
        await using var server = await HoldfastProcess.StartAsync(lab, new HoldfastSettings(), Token);
        var endpoint = server.For(Mode.Plain);
        var skopeo = new Skopeo(lab);
        var accepted = new Dictionary<string, string>();
        var random = new Random(42);
        var watch = System.Diagnostics.Stopwatch.StartNew();
        await skopeo.PushAsync(endpoint, RandomImage(1000), "e2e/undisturbed", Token);
        var usual = watch.Elapsed;
        for (var round = 0; round < Rounds; round++)
        {
            var image = RandomImage(2000 + round);
            var repository = $"e2e/killed-{round}";
            var push = skopeo.PushAsync(endpoint, image, repository, Token);
            // The moment is the point: anywhere from the client's start to a little after its usual end.
            await Task.Delay(usual * 1.1 * random.NextDouble(), Token);
            await server.KillAsync();
            var succeeded = await SucceededAsync(push);
            await server.StartAsync(Token);
            var found = await TagStatusAsync(endpoint, repository);
            if (succeeded)
            {
                found.ShouldBe(HttpStatusCode.OK, $"round {round}: the client was told that its push succeeded");
            }

            await CheckAndRepeatAsync(endpoint, image, repository, found, accepted);
        }
    }

    private async Task CheckAndRepeatAsync(
        Endpoint endpoint, Image image, string repository, HttpStatusCode found, Dictionary<string, string> accepted)
    {
        using var raw = new RawRegistry(endpoint);
        if (found == HttpStatusCode.OK)
        {
            (await raw.ReadClosureAsync(repository, Image.Tag, Token)).Manifest.ShouldBe(image.Digest);
        }
        else
        {
            found.ShouldBe(HttpStatusCode.NotFound);
        }

        Require.Programs("skopeo");
        await new Skopeo(lab).PushAsync(endpoint, image, repository, Token);
        accepted[repository] = image.Digest;
        foreach (var (name, digest) in accepted)
        {
            (await raw.ReadClosureAsync(name, Image.Tag, Token)).Manifest.ShouldBe(digest);
        }
    }

    private static async Task<HttpStatusCode> TagStatusAsync(Endpoint endpoint, string repository)
    {
        using var raw = new RawRegistry(endpoint);
        using var response = await raw.SendAsync(HttpMethod.Get, $"v2/{repository}/manifests/{Image.Tag}", Token, accept: [OciLayout.ImageManifest]);
        return response.StatusCode;
    }

    private static async Task<bool> SucceededAsync(Task<string> push)
    {
        try
        {
            await push;
            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    /// <summary>Three layers that no other image has, so that nothing is skipped as already there.</summary>
    private Image RandomImage(int seed)
    {
        var random = new Random(seed);
        var layout = new OciLayout(lab.NewFolder("image"));
        var layers = new List<Content>();
        foreach (var size in (int[])[1_000, 100_000, 2_000_000])
        {
            var noise = new byte[size];
            random.NextBytes(noise);
            layers.Add(layout.Add(OciLayout.PlainLayer, Layers.Tar("noise", noise)));
        }

        var config = ImageShelf.Config(layout, layers.Select(layer => layer.Digest));
        layout.Tag(layout.AddManifest(config, layers), Image.Tag);
        return new Image(layout);
    }
}
