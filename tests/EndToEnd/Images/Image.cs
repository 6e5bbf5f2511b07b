namespace EndToEnd.Images;

/// <summary>An image, or an index of images, in an OCI layout of its own, under the tag "1".</summary>
internal sealed class Image
{
    public const string Tag = "1";

    public Image(OciLayout layout)
    {
        Layout = layout;
        Top = layout.Top();
    }

    public OciLayout Layout { get; }

    public Content Top { get; }

    public string Digest => Top.Digest;

    public bool IsIndex => Top.MediaType == OciLayout.ImageIndex;

    /// <summary>The image of one architecture; the only one, if this is no index.</summary>
    public string DigestFor(string architecture) =>
        !IsIndex
            ? Digest
            : Layout.Read(Digest)["manifests"]!.AsArray()
                .Where(child => (string)child!["platform"]!["architecture"]! == architecture)
                .Select(child => (string)child!["digest"]!).Single();

    /// <summary>The digests of the layers' tar streams, which stay the same when a client compresses them anew.</summary>
    public IReadOnlyList<string> DiffIdsOf(string manifest) =>
        [.. Layout.Read(ConfigOf(manifest))["rootfs"]!["diff_ids"]!.AsArray().Select(id => (string)id!)];

    /// <summary>The digests of what an index lists.</summary>
    public IEnumerable<string> Children => Layout.Read(Digest)["manifests"]!.AsArray().Select(child => (string)child!["digest"]!);

    public IEnumerable<string> LayersOf(string manifest) => Layout.Read(manifest)["layers"]!.AsArray().Select(layer => (string)layer!["digest"]!);

    public string ConfigOf(string manifest) => (string)Layout.Read(manifest)["config"]!["digest"]!;
}
