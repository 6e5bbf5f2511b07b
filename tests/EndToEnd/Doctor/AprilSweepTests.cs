using System.Globalization;
using System.Net;
using EndToEnd.Clients;
using EndToEnd.Images;
using EndToEnd.Servers;

namespace EndToEnd.Doctor;

/// <summary>
/// The sweep of April 2026, made again by the program that made it: nine repositories, 39 tags, and one <c>garbage-collect -m</c> that broke 34 of them in 38
/// places. What is broken is also asked of the registry itself, so that the scan is not its own witness.
/// </summary>
public sealed class AprilSweepTests(Lab lab)
{
    private static readonly string[] Repositories =
        ["infra-ci", "infra", "claude-agent-service", "beadboard", "freedify", "priority-pass-frontend", "priority-pass-backend", "payslip-ingest", "wealthfolio-sync"];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Scan_AfterTheSweep_FindsAllOfItAndNothingElse()
    {
        Require.Programs("docker-registry", "skopeo");
        await using var registry = await OldRegistry.StartAsync(lab, Token);
        var children = await FillAsync(registry);
        (await DoctorCall.JsonAsync(0, Token, "scan", registry.Data))["clean"]!.GetValue<bool>().ShouldBeTrue();

        await registry.CollectAsync(Token);
        await registry.StopAsync();
        await registry.StartAsync(Token);

        foreach (var arguments in new[] { Array.Empty<string>(), ["--fast"] })
        {
            var report = await DoctorCall.JsonAsync(1, Token, ["scan", registry.Data, .. arguments]);
            ((int)report["brokenTags"]!, (int)report["brokenReferences"]!).ShouldBe((34, 38));
            var found = DoctorCall.Findings(report).Select(finding => ((string)finding["kind"]!, (string)finding["link"]!, $"{finding["repository"]}@{finding["digest"]}")).ToList();
            found.ShouldBe(children.Select(child => ("shell", "collected", child)), ignoreOrder: true);
        }

        using var raw = new RawRegistry(registry.Endpoint);
        foreach (var child in children.Select(child => child.Split('@')))
        {
            using var answer = await raw.SendAsync(HttpMethod.Get, $"v2/{child[0]}/manifests/{child[1]}", Token, accept: [OciLayout.ImageManifest]);
            answer.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        }

        for (var i = 0; i < 5; i++)
        {
            await raw.ReadClosureAsync(Repositories[i], "latest", Token);
        }
    }

    /// <returns>repository@digest of each child that the sweep takes.</returns>
    private async Task<List<string>> FillAsync(OldRegistry registry)
    {
        var skopeo = new Skopeo(lab);
        var children = new List<string>();
        for (var i = 0; i < 34; i++)
        {
            var (repository, tag) = (Repositories[i % Repositories.Length], (0x5eed0000 + i).ToString("x8", CultureInfo.InvariantCulture));
            var image = SmallImages.Create(lab, $"{repository}-{tag}", children: i < 4 ? 2 : 1);
            await skopeo.PushAsAsync(registry.Endpoint, image, repository, tag, Token);
            children.AddRange(image.Children.Select(child => $"{repository}@{child}"));
        }

        for (var i = 0; i < 5; i++)
        {
            await skopeo.PushAsAsync(registry.Endpoint, SmallImages.Create(lab, $"{Repositories[i]}-latest", children: 0), Repositories[i], "latest", Token);
        }

        return children;
    }
}
