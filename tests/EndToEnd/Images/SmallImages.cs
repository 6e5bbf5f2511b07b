using System.Text.Json.Nodes;

namespace EndToEnd.Images;

/// <summary>Many small images with layers of their own, for what goes by their number.</summary>
internal static class SmallImages
{
    /// <summary>An image, or an index of it; with an attestation, if two children are asked for.</summary>
    /// <param name="children">0: the image alone.</param>
    public static Image Create(Lab lab, string name, int children)
    {
        var layout = new OciLayout(lab.NewFolder("small"));
        var (bytes, diffId) = Layers.OfFile(name.Replace('/', '-'), $"{name}\n");
        var (shared, sharedId) = Layers.OfFile("shared", "in every image\n");
        Content[] layers = [layout.Add(OciLayout.GzipLayer, shared), layout.Add(OciLayout.GzipLayer, bytes)];
        var image = layout.AddManifest(ImageShelf.Config(layout, [sharedId, diffId]), layers);
        var listed = new JsonArray();
        if (children > 0)
        {
            listed.Add(image.ToJson());
        }

        if (children > 1)
        {
            var statement = layout.Add("application/vnd.in-toto+json", new JsonObject { ["subject"] = name });
            var attestation = layout.AddManifest(ImageShelf.Config(layout, [statement.Digest]), [statement]).ToJson();
            attestation["platform"] = new JsonObject { ["os"] = "unknown", ["architecture"] = "unknown" };
            attestation["annotations"] = new JsonObject { ["vnd.docker.reference.type"] = "attestation-manifest", ["vnd.docker.reference.digest"] = image.Digest };
            listed.Add(attestation);
        }

        layout.Tag(children == 0 ? image : layout.Add(OciLayout.ImageIndex, new JsonObject { ["schemaVersion"] = 2, ["mediaType"] = OciLayout.ImageIndex, ["manifests"] = listed }), Image.Tag);
        return new Image(layout);
    }
}
