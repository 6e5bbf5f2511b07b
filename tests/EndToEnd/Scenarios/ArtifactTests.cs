using System.Text.Json.Nodes;
using EndToEnd.Clients;
using EndToEnd.Images;
using EndToEnd.Processes;
using EndToEnd.Servers;

namespace EndToEnd.Scenarios;

/// <summary>What hangs on an image: attached artifacts, found as its referrers, and signatures that verify.</summary>
public sealed class ArtifactTests(Lab lab)
{
    private const string SbomType = "application/vnd.example.sbom";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(Mode.Plain)]
    [InlineData(Mode.Bearer)]
    public async Task Artifact_AttachedByOras_IsFoundAndCopiedWithItsImage(Mode mode)
    {
        Require.Programs("oras");
        await using var server = await Deployment.StartAsync(lab, Token);
        var endpoint = server.For(mode);
        var oras = new Oras(lab);
        await oras.PushAsync(endpoint, await lab.Images.Busybox, "e2e/subject", Token);
        await File.WriteAllTextAsync(Path.Combine(oras.WorkFolder, "sbom.txt"), "busybox-static\n", Token);
        await oras.CallAsync(
            endpoint, Token, ["attach", "--no-tty", .. Oras.Side("", endpoint), "--artifact-type", SbomType, $"{endpoint.Host}/e2e/subject:1", "sbom.txt:text/plain"]);

        await oras.CallAsync(
            endpoint, Token,
            ["cp", "--no-tty", "--recursive", .. Oras.Side("from", endpoint), .. Oras.Side("to", endpoint), $"{endpoint.Host}/e2e/subject:1", $"{endpoint.Host}/e2e/copy:1"]);

        foreach (var repository in (string[])["e2e/subject", "e2e/copy"])
        {
            var found = JsonNode.Parse(await oras.CallAsync(
                endpoint, Token, ["discover", .. Oras.Side("", endpoint), "--format", "json", $"{endpoint.Host}/{repository}:1"]))!;
            var referrer = found["referrers"]!.AsArray().ShouldHaveSingleItem()!;
            ((string?)referrer["artifactType"]).ShouldBe(SbomType);
            var back = lab.NewFolder("sbom");
            await oras.CallAsync(
                endpoint, Token, ["pull", "--no-tty", .. Oras.Side("", endpoint), "--output", back, $"{endpoint.Host}/{repository}@{referrer["digest"]}"]);
            (await File.ReadAllTextAsync(Path.Combine(back, "sbom.txt"), Token)).ShouldBe("busybox-static\n");
        }
    }

    [Theory]
    [InlineData(Mode.Plain)]
    [InlineData(Mode.Tls)]
    [InlineData(Mode.Basic)]
    [InlineData(Mode.Bearer)]
    [InlineData(Mode.AnonymousPull)]
    public async Task Image_SignedByCosign_VerifiesWithItsKeyOnly(Mode mode)
    {
        Require.Programs("cosign", "crane");
        await using var server = await Deployment.StartAsync(lab, Token);
        var endpoint = server.For(mode);
        var digest = await new Crane(lab).PushAsync(endpoint, await lab.Images.Busybox, "e2e/signed", Token);
        var cosign = new Cosign(lab);
        var key = await cosign.NewKeyAsync(Token);
        var other = await cosign.NewKeyAsync(Token);

        await cosign.SignAsync(endpoint, $"e2e/signed@{digest}", key, Token);

        (await cosign.VerifyAsync(endpoint.ForPull, $"e2e/signed@{digest}", key, Token)).ExitCode.ShouldBe(0);
        var refused = await cosign.VerifyAsync(endpoint.ForPull, $"e2e/signed@{digest}", other, Token);
        refused.ExitCode.ShouldNotBe(0, refused.ToString());
    }
}
