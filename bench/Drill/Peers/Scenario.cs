using Holdfast.Drill.Checks;
using Holdfast.Drill.Images;
using Holdfast.Drill.Protocol;

namespace Holdfast.Drill.Peers;

/// <summary>One way in which images have been broken.</summary>
/// <param name="Lease">What ours is told; the expired lease is a case of its own.</param>
internal sealed record Scenario(string Name, string Title, Func<Subject, CancellationToken, Task<Finding>> RunAsync)
{
    public TimeSpan Lease { get; init; } = TimeSpan.FromHours(1);

    public static IReadOnlyList<Scenario> All { get; } = [.. CollectionScenarios.All, .. DeletionScenarios.All, .. DamageScenarios.All, .. RaceScenarios.All];

    public static Scenario Named(string name) => All.Single(scenario => scenario.Name == name);

    /// <summary>Blobs first, then manifests, children before their index.</summary>
    public static async Task PushAsync(Subject subject, string repository, Manifest root, IReadOnlyList<string> tags, CancellationToken token)
    {
        foreach (var manifest in root.Closure)
        {
            foreach (var blob in manifest.Blobs)
                Expect(await subject.Client.UploadAsync(repository, blob, UploadWay.Put, token), 201, "upload");
            var isRoot = ReferenceEquals(manifest, root);
            // One request for each tag: not every registry knows several in one.
            foreach (var tag in isRoot && tags.Count > 0 ? tags : [""])
                Expect(await subject.Client.PutManifestAsync(repository, manifest, tag.Length == 0 ? [] : [tag], token), 201, "PUT of a manifest");
        }
    }

    public static void Expect(Answer answer, int status, string what)
    {
        if (answer.Status != status)
            throw new DrillException($"{what}: {answer}, not {status}");
    }

    /// <summary>Pulls it whole.</summary>
    public static async Task<Finding> PullAsync(Subject subject, string repository, string digest, CancellationToken token)
    {
        var faults = await new ImageWalk(subject.Client, _ => true).CheckAsync(repository, digest, token);
        return faults.Count == 0 ? new Finding(true, "whole") : new Finding(false, $"{faults.Count} broken, first: {Short(faults[0])}");
    }

    /// <summary>Digests cut to what tells them apart.</summary>
    public static string Short(string text) => System.Text.RegularExpressions.Regex.Replace(text.ReplaceLineEndings(" "), "sha256:([0-9a-f]{8})[0-9a-f]{56}", "sha256:$1…").Split(" {\"errors\"")[0];
}
