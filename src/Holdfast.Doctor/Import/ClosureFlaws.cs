using Holdfast.Oci;
using Holdfast.Storage.Metadata;

namespace Holdfast.Doctor.Import;

/// <summary>Which manifests are whole with all below them, and what is wrong with the others.</summary>
internal sealed class ClosureFlaws(IReadOnlyDictionary<Digest, ClosureNode> nodes, IReadOnlyDictionary<LinkedBlob, Flaw> blobs)
{
    private readonly Dictionary<Digest, bool> _whole = [];

    public bool IsThere(Digest digest) => nodes.TryGetValue(digest, out var node) && node.IsThere;

    public bool IsWhole(Digest digest)
    {
        if (_whole.TryGetValue(digest, out var known))
            return known;
        var node = nodes[digest];
        return _whole[digest] = node.IsThere
            || (node.Flaw is null && node.Blobs.TrueForAll(blob => !blobs.ContainsKey(blob)) && node.Children.TrueForAll(child => FlawOf(child) is null && IsWhole(child.Digest)));
    }

    /// <summary>Is nothing known to be wrong, and only not known whether all is right?</summary>
    public bool IsUnknown(Digest digest) => Of(digest, "").All(one => one.Flaw.IsUnknown);

    public IReadOnlyList<string> Describe(Digest digest)
    {
        var all = Of(digest, "").Select(one => $"{one.Where}: {one.Flaw.What}").Distinct(StringComparer.Ordinal).Take(ImportFinding.MaxReasons + 1).ToList();
        return all.Count <= ImportFinding.MaxReasons ? all : [.. all.Take(ImportFinding.MaxReasons - 1), "and more"];
    }

    private IEnumerable<(string Where, Flaw Flaw)> Of(Digest digest, string above)
    {
        var node = nodes[digest];
        if (node.IsThere)
            yield break;
        if (node.Flaw is { } own)
            yield return ($"{above}manifest {digest}", own);
        foreach (var blob in node.Blobs)
        {
            if (blobs.TryGetValue(blob, out var flaw))
                yield return ($"{above}{RoleOf(node, blob.Digest)} {blob.Digest}", flaw);
        }
        foreach (var child in node.Children)
        {
            if (FlawOf(child) is { } size)
                yield return ($"{above}manifest {child.Digest}", size);
            foreach (var below in Of(child.Digest, node.Children.Count > 1 ? $"{above}of {Short(child.Digest)}, " : above))
                yield return below;
        }
    }

    // An index may state another size than its child has; nobody could pull that child through it.
    private Flaw? FlawOf(Descriptor child) =>
        nodes[child.Digest].Source is { } source && source.Payload.Length != child.SizeBytes
            ? new Flaw($"the index says {child.SizeBytes} bytes, and it has {source.Payload.Length}")
            : null;

    private static string RoleOf(ClosureNode node, Digest digest) =>
        node.Manifest?.Config?.Digest == digest ? "config" : node.Children.Count > 0 || node.Manifest?.Config is null ? "blob" : "layer";

    private static string Short(Digest digest) => $"{digest.Algorithm.Name()}:{digest.Hex[..12]}";
}
