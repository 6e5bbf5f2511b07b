using System.Globalization;
using Holdfast.Doctor.Scan;

namespace Holdfast.Doctor.Tests.Scan;

/// <summary>
/// The sweep of April 2026 by its figures: nine repositories, 39 tags, of which 34 lost 38 children to garbage-collect -m. The end-to-end tests let the real
/// collection do it.
/// </summary>
public sealed class AprilSweepTests : IDisposable
{
    internal static readonly string[] Repositories =
        ["infra-ci", "infra", "claude-agent-service", "beadboard", "freedify", "priority-pass-frontend", "priority-pass-backend", "payslip-ingest", "wealthfolio-sync"];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Run_SweepOfApril_FindsAllOfItAndNothingElse(bool fast)
    {
        var registry = new FakeRegistry(_folder.Path);
        var lost = new HashSet<(string, string)>();
        for (var i = 0; i < 34; i++)
        {
            var repository = Repositories[i % Repositories.Length];
            var tag = i.ToString("x8", CultureInfo.InvariantCulture);
            // An image and its attestation; four of them lost both, the others the image alone.
            var children = new[] { registry.PutImage(repository), registry.PutImage(repository, layers: 1) };
            registry.PutIndex(repository, tag, children.Select(child => child.Manifest));
            foreach (var child in children.Take(i < 4 ? 2 : 1))
            {
                registry.CollectChild(repository, child);
                lost.Add((repository, child.Manifest.Digest.ToString()));
            }
        }
        for (var i = 0; i < 5; i++)
            registry.PutIndex(Repositories[i], "latest", [registry.PutImage(Repositories[i]).Manifest, registry.PutImage(Repositories[i], layers: 1).Manifest]);

        var report = await Scanning.RunAsync(registry, fast);

        report.Findings.Select(finding => (finding.Repository.ToString(), finding.Digest.ToString())).ShouldBe(lost, ignoreOrder: true);
        report.Findings.ShouldAllBe(finding => finding.Kind == DamageKind.Shell);
        (report.Counts.Tags, report.Counts.BrokenTags, report.Counts.BrokenReferences).ShouldBe((39, 34, 38));
    }
}
