using Holdfast.Oci;

namespace Holdfast.Storage.Tests.Journal;

internal static class ManifestTexts
{
    public static string Image(Descriptor config, IEnumerable<Descriptor> layers, Descriptor? subject = null) => $$"""
        {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",
         "config":{{Write(config with { MediaType = "application/vnd.oci.image.config.v1+json" })}},
         "layers":[{{string.Join(',', layers.Select(Write))}}]{{(subject is { } of ? ",\"subject\":" + Write(of) : "")}}}
        """;

    public static string Index(IEnumerable<Descriptor> children) => $$"""
        {"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{{string.Join(',', children.Select(Write))}}]}
        """;

    private static string Write(Descriptor descriptor) =>
        $$"""{"mediaType":"{{descriptor.MediaType}}","digest":"{{descriptor.Digest}}","size":{{descriptor.SizeBytes}}}""";
}
