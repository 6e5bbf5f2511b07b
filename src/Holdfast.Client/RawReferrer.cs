using System.Text.Json;
using Holdfast.Oci;

namespace Holdfast.Client;

/// <summary>A manifest that names another as its subject, with the descriptor as the registry wrote it, to be passed on unchanged.</summary>
/// <param name="ArtifactType">Empty if the descriptor has none.</param>
/// <param name="Json">The descriptor: an object, with whatever annotations it has.</param>
public sealed record RawReferrer(Digest Digest, string ArtifactType, string Json)
{
    internal static bool TryRead(JsonElement element, out RawReferrer referrer)
    {
        referrer = null!;
        if (!DescriptorText.TryRead(element, out var content, out _))
            return false;
        referrer = new RawReferrer(content.Digest, DescriptorText.Text(element, "artifactType"), element.GetRawText());
        return true;
    }
}
