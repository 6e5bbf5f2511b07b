using System.Text.Json;
using Holdfast.Oci;

namespace Holdfast.Client;

/// <summary>A manifest that names another as its subject, as the registry lists it (dist-spec v1.1.1, end-12).</summary>
/// <param name="ArtifactType">Empty if the list has none.</param>
public sealed record RemoteReferrer(Descriptor Content, string ArtifactType)
{
    internal static bool TryRead(JsonElement element, out RemoteReferrer referrer)
    {
        referrer = null!;
        if (!DescriptorText.TryRead(element, out var content, out _))
            return false;
        referrer = new RemoteReferrer(content, DescriptorText.Text(element, "artifactType"));
        return true;
    }
}
