using System.Text.Json.Nodes;
using EndToEnd.Images;
using EndToEnd.Processes;
using EndToEnd.Servers;

namespace EndToEnd.Scenarios;

/// <summary>
/// Every fault that a file of the real docker-registry can have, of layers, configs, manifests and links, met by `holdfast verify` and `holdfast probe`: each is named with its tag,
/// platform, object and answer, and nothing else is.
/// </summary>
public sealed class FileFaultTests(Lab lab)
{
    private const string Amd64 = "linux/amd64";

    // What stands in the place of a file's bytes, and what 2.8 answers then: for blobs, for manifests.
    private static readonly Fault[] Faults =
    [
        new("removed", File.Delete, "missing 404 BLOB_UNKNOWN", "missing 404 MANIFEST_UNKNOWN"),
        new("emptied", file => File.WriteAllBytes(file, []), "wrong-size 200", "unchecked 500"),
        new("cut", file => File.WriteAllBytes(file, File.ReadAllBytes(file)[..^9]), "wrong-size 200", "unchecked 500"),
        new("grown", file => File.AppendAllText(file, "more"), "wrong-size 200", "unchecked 500"),
        new("flipped", Flip, "wrong-bytes 200", "wrong-bytes 200"),
        new("unreadable", file => File.SetUnixFileMode(file, UnixFileMode.UserWrite), "unreadable 200", "unchecked 500"),
        new("folder", ToFolder, "missing 404 BLOB_UNKNOWN", "missing 404 MANIFEST_UNKNOWN"),
        new("link-to-nowhere", file => ToLink(file, "/nowhere"), "missing 404 BLOB_UNKNOWN", "missing 404 MANIFEST_UNKNOWN"),
    ];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("verify")]
    [InlineData("probe")]
    public async Task Command_EveryFaultOfAFileOfRegistry2_IsNamedAndNothingElse(string command)
    {
        Require.True(File.Exists(HoldfastProcess.Executable), $"{HoldfastProcess.Executable} is not there (./dev build makes it)");
        await using var registry = await DebianRegistry.StartAsync(lab, Token, asNobody: true);
        var expected = new List<string>();
        var seed = 0;
        foreach (var fault in Faults)
        {
            foreach (var role in new[] { "layer", "config", "child" })
            {
                var (repository, (child, config, layer)) = await PushAsync(registry, $"{fault.Name}/{role}", seed += 10);
                var digest = role switch { "layer" => layer, "config" => config, _ => child };
                fault.Inflict(registry.DataOf(digest));
                expected.Add($"{repository} v1 {Amd64} {role} {digest} {(role == "child" ? fault.OfManifests : fault.OfBlobs)}");
            }
        }

        // What is the same to everyone outside: the bytes are there by another way.
        var (_, (_, _, elsewhere)) = await PushAsync(registry, "link-to-right-bytes/layer", seed += 10);
        File.Move(registry.DataOf(elsewhere), registry.DataOf(elsewhere) + ".elsewhere");
        ToLink(registry.DataOf(elsewhere), registry.DataOf(elsewhere) + ".elsewhere");
        expected.AddRange(await SwapAsync(registry, seed += 10));
        expected.AddRange(await UnlinkAsync(registry, seed + 10));
        await registry.RestartAsync(Token);

        var found = await RunAsync(command, registry);

        found.ShouldBe(expected, ignoreOrder: true);
    }

    private async Task<List<string>> SwapAsync(DebianRegistry registry, int seed)
    {
        var (repository, (_, config, layer)) = await PushAsync(registry, "swapped/both", seed);
        File.Move(registry.DataOf(config), registry.DataOf(config) + ".swap");
        File.Move(registry.DataOf(layer), registry.DataOf(config));
        File.Move(registry.DataOf(config) + ".swap", registry.DataOf(layer));
        return [$"{repository} v1 {Amd64} config {config} wrong-size 200", $"{repository} v1 {Amd64} layer {layer} wrong-size 200"];
    }

    // As a row that is gone elsewhere: the link is lost, or leads to something else, or is no link.
    private async Task<List<string>> UnlinkAsync(DebianRegistry registry, int seed)
    {
        var expected = new List<string>();
        foreach (var (name, inflict) in new (string, Action<string>)[] { ("removed", File.Delete), ("emptied", file => File.WriteAllText(file, "")), ("garbled", file => File.WriteAllText(file, "no digest")) })
        {
            var (layers, (_, _, layer)) = await PushAsync(registry, $"link-{name}/layer", seed += 10);
            inflict(Path.Combine(registry.Root, "repositories", layers, "_layers", "sha256", layer[7..], "link"));
            expected.Add($"{layers} v1 {Amd64} layer {layer} {(name == "removed" ? "missing 404 BLOB_UNKNOWN" : "unchecked 500")}");
            var (revisions, (child, _, _)) = await PushAsync(registry, $"link-{name}/child", seed += 10);
            inflict(Path.Combine(registry.Root, "repositories", revisions, "_manifests", "revisions", "sha256", child[7..], "link"));
            expected.Add($"{revisions} v1 {Amd64} child {child} {(name == "removed" ? "missing 404 MANIFEST_UNKNOWN" : "unchecked 500")}");
        }

        return expected;
    }

    private static async Task<List<string>> RunAsync(string command, DebianRegistry registry)
    {
        var result = await new ToolCall(HoldfastProcess.Executable, command, registry.Endpoint.Host, "--json").RunAsync(Token);
        result.ExitCode.ShouldBe(1, result.ToString());
        return [.. JsonNode.Parse(result.Output)!["findings"]!.AsArray().Select(finding => finding!)
            .Select(finding => $"{finding["repository"]} {finding["reference"]} {finding["platform"]} {finding["role"]} {finding["digest"]} {finding["kind"]} {finding["status"]} {Code(finding)}".TrimEnd())];
    }

    // Its own code says something only of what it knows to be missing.
    private static string? Code(JsonNode finding) => (int?)finding["status"] == 404 ? (string?)finding["code"] : null;

    private async Task<(string Repository, (string Child, string Config, string Layer) Amd64)> PushAsync(DebianRegistry registry, string repository, int seed)
    {
        var layout = RandomImage.Index(lab, seed);
        await registry.PushAsync(layout, repository, "v1", Token);
        var child = (string)layout.Read(layout.Top().Digest)["manifests"]![0]!["digest"]!;
        var manifest = layout.Read(child);
        return (repository, (child, (string)manifest["config"]!["digest"]!, (string)manifest["layers"]![0]!["digest"]!));
    }

    private static void Flip(string file)
    {
        var bytes = File.ReadAllBytes(file);
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(file, bytes);
    }

    private static void ToFolder(string file)
    {
        File.Delete(file);
        Directory.CreateDirectory(file);
    }

    private static void ToLink(string file, string target)
    {
        File.Delete(file);
        File.CreateSymbolicLink(file, target);
    }

    private sealed record Fault(string Name, Action<string> Inflict, string OfBlobs, string OfManifests);
}
