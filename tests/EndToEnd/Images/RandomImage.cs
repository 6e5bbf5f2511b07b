using System.Text.Json.Nodes;

namespace EndToEnd.Images;

/// <summary>Images of random bytes, for what looks at digests and not at files; made in milliseconds, the same for the same seed.</summary>
internal static class RandomImage
{
    /// <summary>An index of two platforms and an attestation about the first, as BuildKit writes it; each image has one layer of its own.</summary>
    public static OciLayout Index(Lab lab, int seed)
    {
        var layout = new OciLayout(lab.NewFolder("random"));
        var amd64 = Add(layout, seed, "amd64");
        var attestation = Child(Add(layout, seed + 2, "unknown"), "unknown", "unknown");
        attestation["annotations"] = new JsonObject { ["vnd.docker.reference.type"] = "attestation-manifest", ["vnd.docker.reference.digest"] = amd64.Digest };
        var index = layout.Add(OciLayout.ImageIndex, new JsonObject
        {
            ["schemaVersion"] = 2,
            ["mediaType"] = OciLayout.ImageIndex,
            ["manifests"] = new JsonArray(Child(amd64, "linux", "amd64"), Child(Add(layout, seed + 1, "arm64"), "linux", "arm64"), attestation),
        });
        layout.Tag(index, "1");
        return layout;
    }

    private static Content Add(OciLayout layout, int seed, string architecture)
    {
        var bytes = new byte[20_000];
        new Random(seed).NextBytes(bytes);
        var config = layout.Add(OciLayout.ImageConfig, new JsonObject { ["architecture"] = architecture, ["os"] = "linux", ["seed"] = seed });
        return layout.AddManifest(config, [layout.Add(OciLayout.PlainLayer, bytes)]);
    }

    private static JsonObject Child(Content manifest, string os, string architecture)
    {
        var child = manifest.ToJson();
        child["platform"] = new JsonObject { ["os"] = os, ["architecture"] = architecture };
        return child;
    }
}
