using System.Globalization;
using System.Text;
using Holdfast.Oci;

namespace Holdfast.Large;

/// <summary>A few bytes, different from all others.</summary>
internal readonly record struct FillBlob(Digest Digest, byte[] Bytes, string MediaType)
{
    public static FillBlob Of(string text, string mediaType)
    {
        var bytes = Encoding.ASCII.GetBytes(text);
        return new FillBlob(Digest.Compute(DigestAlgorithm.Sha256, bytes), bytes, mediaType);
    }

    public string Descriptor => $$"""{"mediaType":"{{MediaType}}","digest":"{{Digest}}","size":{{Bytes.Length}}}""";
}

/// <summary>A manifest and what is pushed with it.</summary>
/// <param name="Blobs">Those that its repository doesn't have yet.</param>
internal sealed record FillImage(RepositoryName Repository, Tag Tag, FillBlob Manifest, IReadOnlyList<FillBlob> Blobs);

/// <summary>Makes the manifests of a plan from nothing but their numbers.</summary>
internal sealed class FillImages(FillPlan plan)
{
    private const string ConfigType = "application/vnd.oci.image.config.v1+json";
    private const string LayerType = "application/vnd.oci.image.layer.v1.tar";

    public FillImage Make(int manifest)
    {
        var (place, repository) = int.DivRem(manifest, plan.Repositories);
        var name = RepositoryName.Parse(string.Create(CultureInfo.InvariantCulture, $"large/{repository % 100:00}/r{repository:00000}"));
        var tag = Tag.Parse(string.Create(CultureInfo.InvariantCulture, $"v{place:000000}"));
        if (plan.IsIndex(manifest))
            return new FillImage(name, tag, Index(manifest), []);
        var own = Own(manifest);
        var blobs = place == 0 ? own.Append(Base(repository)) : own;
        return new FillImage(name, tag, Image(own, repository), [.. blobs]);
    }

    private FillBlob Index(int manifest)
    {
        var children = Enumerable.Range(1, 2).Select(back => Make(manifest - (back * plan.Repositories)).Manifest.Descriptor);
        return FillBlob.Of($$"""{"schemaVersion":2,"mediaType":"{{MediaTypes.OciIndex}}","manifests":[{{string.Join(',', children)}}]}""", MediaTypes.OciIndex);
    }

    private static FillBlob Image(List<FillBlob> own, int repository)
    {
        var layers = own.Skip(1).Prepend(Base(repository)).Select(static layer => layer.Descriptor);
        return FillBlob.Of(
            $$"""{"schemaVersion":2,"mediaType":"{{MediaTypes.OciManifest}}","config":{{own[0].Descriptor}},"layers":[{{string.Join(',', layers)}}]}""", MediaTypes.OciManifest);
    }

    // The config, then layers.
    private List<FillBlob> Own(int manifest)
    {
        var image = plan.ImagesBefore(manifest);
        var (first, end) = (plan.FirstBlob(image), plan.FirstBlob(image + 1));
        var own = new List<FillBlob>(end - first)
        {
            FillBlob.Of(string.Create(CultureInfo.InvariantCulture, $$"""{"architecture":"amd64","os":"linux","number":{{first}}}"""), ConfigType),
        };
        for (var blob = first + 1; blob < end; blob++)
            own.Add(FillBlob.Of(string.Create(CultureInfo.InvariantCulture, $"layer {blob}\n"), LayerType));
        return own;
    }

    // What all images of a repository build on.
    private static FillBlob Base(int repository) => FillBlob.Of(string.Create(CultureInfo.InvariantCulture, $"base {repository}\n"), LayerType);
}
