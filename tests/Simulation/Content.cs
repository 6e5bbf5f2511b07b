using System.Globalization;
using System.Text;
using Holdfast.Oci;

namespace Simulation;

/// <summary>
/// What clients push: few blobs and manifests of every shape, shared by all repositories and histories, so that the same bytes meet in many ways.
/// </summary>
internal static class Content
{
    private static readonly Dictionary<Digest, string> Names = [];
    private static readonly Dictionary<Digest, byte[]> Bytes = [];
    private static readonly Dictionary<Digest, Node> NodesByDigest = [];

    /// <summary>Every manifest, children before their parents.</summary>
    public static IReadOnlyList<Node> Nodes { get; } = Build();

    /// <summary>What upstreams have: the same, and images so large that a part of a blob comes before all of it is known to be right.</summary>
    public static IReadOnlyList<Node> Upstream { get; } = BuildLarge();

    public static IReadOnlyCollection<Digest> All => Bytes.Keys;

    public static string NameOf(Digest digest) => Names.GetValueOrDefault(digest, digest.ToString());

    public static byte[] BytesOf(Digest digest) => Bytes[digest];

    public static Node? FindNode(Digest digest) => NodesByDigest.GetValueOrDefault(digest);

    private static List<Node> Build()
    {
        var configs = Enumerable.Range(0, 3).Select(i => Blob($"c{i}", 8 + i)).ToArray();
        var layers = Enumerable.Range(0, 4).Select(i => Blob($"l{i}", 20 + (7 * i))).ToArray();
        var nodes = new List<Node>();
        var a = Image("A", configs[0], [layers[0], layers[1]]);
        var b = Image("B", configs[1], [layers[0], layers[2]]);
        var c = Image("C", configs[0], [layers[1]], DigestAlgorithm.Sha512);
        var d = Image("D", configs[2], []);
        var ab = Index("AB", [a, b], []);
        var empty = Index("empty", [], []);
        nodes.AddRange([a, b, c, d, ab, empty]);
        nodes.Add(Index("nested", [ab, c], []));
        nodes.Add(Index("nested-empty", [empty], []));
        nodes.Add(Index("cache", [], [layers[0], layers[3], configs[1]]));
        nodes.Add(Index("mixed", [a], [layers[2]]));
        nodes.Add(Image("sig-A", configs[2], [layers[3]], subject: a));
        nodes.Add(Index("index-of-B", [d], [], subject: b));
        nodes.Add(Image("sig-of-nothing", configs[2], [], subject: nodes[^1]));
        return nodes;
    }

    private static List<Node> BuildLarge()
    {
        var configs = new[] { FindBlob("c0"), FindBlob("c1") };
        var large = new[] { Blob("big0", 150_000), Blob("big1", 90_000) };
        var x = Image("X", configs[0], [large[0], FindBlob("l0")]);
        var y = Image("Y", configs[1], [large[0], large[1]]);
        return [.. Nodes, x, y, Index("XY", [x, y], [])];
    }

    private static Digest FindBlob(string name) => Names.First(pair => pair.Value == name).Key;

    private static Digest Blob(string name, int size)
    {
        var bytes = Encoding.UTF8.GetBytes(name.PadRight(size, '.'));
        return Remember(name, bytes, DigestAlgorithm.Sha256);
    }

    private static Digest Remember(string name, byte[] bytes, DigestAlgorithm algorithm)
    {
        var digest = Digest.Compute(algorithm, bytes);
        Names[digest] = name;
        Bytes[digest] = bytes;
        return digest;
    }

    private static Node Image(string name, Digest config, Digest[] layers, DigestAlgorithm algorithm = DigestAlgorithm.Sha256, Node? subject = null)
    {
        var text = $$"""
            {"schemaVersion":2,"mediaType":"{{MediaTypes.OciManifest}}","config":{{Descriptor("application/vnd.oci.image.config.v1+json", config)}},
            "layers":[{{string.Join(',', layers.Select(layer => Descriptor("application/vnd.oci.image.layer.v1.tar", layer)))}}]{{Subject(subject)}},"annotations":{"name":"{{name}}" } }
            """;
        return Add(name, text, algorithm, [], [config, .. layers]);
    }

    private static Node Index(string name, Node[] children, Digest[] blobs, Node? subject = null)
    {
        var listed = children.Select(child => Descriptor(child.Manifest.MediaType, child.Digest))
            .Concat(blobs.Select(blob => Descriptor("application/vnd.oci.image.layer.v1.tar", blob)));
        var text = $$"""
            {"schemaVersion":2,"mediaType":"{{MediaTypes.OciIndex}}","manifests":[{{string.Join(',', listed)}}]{{Subject(subject)}},"annotations":{"name":"{{name}}" } }
            """;
        return Add(name, text, DigestAlgorithm.Sha256, children, blobs);
    }

    private static Node Add(string name, string text, DigestAlgorithm algorithm, Node[] children, Digest[] blobs)
    {
        var payload = Encoding.UTF8.GetBytes(text);
        if (!ManifestParser.TryParse(payload, null, out var manifest, out var problem))
            throw new InvalidOperationException($"{name}: {problem}");
        var node = new Node(name, Remember(name, payload, algorithm), payload, manifest, children, blobs);
        NodesByDigest[node.Digest] = node;
        foreach (var below in node.Closure)
            below.Ancestors.Add(node);
        return node;
    }

    private static string Subject(Node? subject) =>
        subject is null ? "" : $",\"subject\":{Descriptor(subject.Manifest.MediaType, subject.Digest)}";

    private static string Descriptor(string mediaType, Digest digest) => string.Create(
        CultureInfo.InvariantCulture, $$"""{"mediaType":"{{mediaType}}","digest":"{{digest}}","size":{{Bytes[digest].Length}}}""");
}

/// <summary>A manifest with what it refers to.</summary>
/// <param name="Blobs">Config, layers, and children that are blobs.</param>
internal sealed record Node(
    string Name, Digest Digest, byte[] Payload, Manifest Manifest, IReadOnlyList<Node> Children, IReadOnlyList<Digest> Blobs)
{
    /// <summary>Itself and every manifest below.</summary>
    public IReadOnlyList<Node> Closure { get; } = [.. Below(Children).Distinct()];

    /// <summary>Every manifest that it is below.</summary>
    public List<Node> Ancestors { get; } = [];

    public bool Lists(Digest digest) => Blobs.Contains(digest) || Children.Any(child => child.Digest == digest);

    public IEnumerable<Node> WithClosure() => Closure.Append(this);

    public bool Equals(Node? other) => ReferenceEquals(this, other);

    public override int GetHashCode() => Digest.GetHashCode();

    private static IEnumerable<Node> Below(IReadOnlyList<Node> children) => children.SelectMany(child => child.Closure.Append(child));
}
