using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Holdfast.Doctor.Scan;
using Holdfast.Doctor.Tests.Scan;
using Holdfast.Oci;

namespace Holdfast.Doctor.Tests.Repair;

/// <summary>
/// Registries of random images with shared layers, damaged at random, many faults at once. What a scan must say is worked out here in another way: as the
/// registry would answer, file by file. Then everything is mended from a copy, and taken back. A seed that fails is named by the test.
/// </summary>
public sealed class RandomDamageTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 40)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task ScanAndRepair_RandomDamage_IsFoundAsTheRegistryWouldAnswerAndMended(int seed)
    {
        var random = new Random(seed);
        var registry = new FakeRegistry(_folder.Path + "/registry");
        Fill(registry, random);
        var whole = Repairing.Picture(registry);
        var donor = new FakeRegistry(_folder.Path + "/donor");
        foreach (var blob in registry.Open().Blobs(_ => { }))
            donor.PutData(await File.ReadAllBytesAsync(registry.DataFile(blob.Digest), Token));
        for (var faults = random.Next(1, 12); faults > 0; faults--)
            Damage(registry, random);
        // Not damage of this moment, for which a scan would wait.
        foreach (var file in Directory.EnumerateFiles(registry.PathOf(""), "link", SearchOption.AllDirectories))
            File.SetLastWriteTimeUtc(file, DateTime.UnixEpoch.AddYears(50));
        var broken = Repairing.Picture(registry);

        var report = await Scanning.RunAsync(registry);

        report.Findings.Where(finding => finding.Kind is DamageKind.Unlinked or DamageKind.Shell or DamageKind.Gone)
            .Select(finding => $"{finding.Repository}@{finding.Digest}").ShouldBe(Expected(registry), ignoreOrder: true);
        Repairing.Picture(registry).ShouldBe(broken);

        var done = await Repairing.RunAsync(registry, apply: true, Repairing.Donor(donor));
        done.Unmended.ShouldBeEmpty();
        (await Scanning.RunAsync(registry)).Findings.ShouldBeEmpty();
        // What nothing leads to any more is not filled up again; what is there is as it was.
        Repairing.Picture(registry).ShouldAllBe(entry => whole.ContainsKey(entry.Key) && whole[entry.Key] == entry.Value);
        if (done.Steps.Count > 0)
            Repairing.Undo(registry, apply: true);
        Repairing.Picture(registry).ShouldBe(broken);
    }

    private static void Fill(FakeRegistry registry, Random random)
    {
        var repositories = new[] { "a", "a/b", "c" };
        foreach (var repository in repositories)
        {
            var shared = registry.PutBlob(repository, [1, 2, 3], "layer");
            var images = Enumerable.Range(0, random.Next(1, 5)).Select(_ => registry.PutImage(repository, layers: random.Next(0, 3), shared: random.Next(2) == 0 ? [shared] : null)).ToList();
            var inner = registry.PutIndex(repository, null, images.Take(random.Next(0, 3)).Select(image => image.Manifest));
            registry.PutIndex(repository, "v1", images.Where(_ => random.Next(3) > 0).Select(image => image.Manifest).Append(inner), withMediaType: random.Next(2) == 0);
            registry.PutTag(repository, "v2", images[^1].Manifest.Digest);
        }
    }

    // Tags are left alone: what they should name, no donor can say.
    private static void Damage(FakeRegistry registry, Random random)
    {
        var files = Directory.EnumerateFiles(registry.PathOf(""), "*", SearchOption.AllDirectories).Where(file => !file.Contains("/tags/", StringComparison.Ordinal)).Order(StringComparer.Ordinal).ToList();
        if (files.Count == 0)
            return;
        var file = files[random.Next(files.Count)];
        var isLink = file.EndsWith("/link", StringComparison.Ordinal);
        switch (random.Next(4))
        {
            case 0: File.Delete(file); break;
            case 1: Directory.Delete(Path.GetDirectoryName(file)!, recursive: true); break;
            case 2 when isLink: File.AppendAllText(file, "\n"); break;
            case 2: File.WriteAllBytes(file, []); break;
            default: File.WriteAllBytes(file, [.. File.ReadAllBytes(file).Reverse()]); break;
        }
    }

    /// <summary>The manifests that a tag or a revision's link leads to, through any bytes that are right, and that a client could not get whole.</summary>
    private static SortedSet<string> Expected(FakeRegistry registry)
    {
        var broken = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var manifests in Directory.EnumerateDirectories(registry.PathOf("repositories"), "_manifests", SearchOption.AllDirectories))
        {
            var repository = Path.GetDirectoryName(manifests)!;
            var roots = Directory.EnumerateFiles(manifests + "/tags", "link", SearchOption.AllDirectories).Where(file => file.Contains("/current/", StringComparison.Ordinal)).Select(File.ReadAllText)
                .Concat(Directory.EnumerateFiles(manifests, "link", SearchOption.AllDirectories).Where(file => file.Contains("/revisions/", StringComparison.Ordinal)).Select(file => "sha256:" + Path.GetFileName(Path.GetDirectoryName(file))));
            var seen = new HashSet<string>(StringComparer.Ordinal);
            var waiting = new Stack<string>(roots);
            while (waiting.TryPop(out var digest))
            {
                if (!seen.Add(digest))
                    continue;
                var manifest = Bytes(registry, digest) is { } bytes ? JsonNode.Parse(bytes) : null;
                var linked = IsLinked(repository, "_manifests/revisions", digest) || (!File.Exists($"{repository}/_manifests/revisions/sha256/{digest[7..]}/link") && IsLinked(repository, "_layers", digest));
                IEnumerable<JsonNode?> blobs = manifest?["config"] is { } config ? [config, .. manifest["layers"]!.AsArray()] : [];
                if (!linked || manifest is null || blobs.Any(blob => Bytes(registry, (string)blob!["digest"]!) is null || !IsLinked(repository, "_layers", (string)blob["digest"]!)))
                    broken.Add($"{Path.GetRelativePath(registry.PathOf("repositories"), repository)}@{digest}");
                foreach (var child in manifest?["manifests"]?.AsArray() ?? [])
                    waiting.Push((string)child!["digest"]!);
            }
        }
        return broken;
    }

    private static bool IsLinked(string repository, string below, string digest)
    {
        var link = $"{repository}/{below}/sha256/{digest[7..]}/link";
        return File.Exists(link) && File.ReadAllText(link) == digest;
    }

    private static byte[]? Bytes(FakeRegistry registry, string digest)
    {
        var file = registry.DataFile(Digest.Parse(digest));
        var bytes = File.Exists(file) ? File.ReadAllBytes(file) : null;
        return bytes is not null && "sha256:" + Convert.ToHexStringLower(SHA256.HashData(bytes)) == digest ? bytes : null;
    }
}
