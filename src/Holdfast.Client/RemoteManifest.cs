using Holdfast.Oci;

namespace Holdfast.Client;

/// <param name="Digest">Of these bytes: computed, not believed.</param>
/// <param name="MediaType">The Content-Type without parameters; empty if there was none.</param>
/// <param name="Payload">At most <see cref="Manifest.MaxSizeBytes"/> bytes.</param>
public sealed record RemoteManifest(Digest Digest, string MediaType, ReadOnlyMemory<byte> Payload);

/// <param name="Digest">As the registry states it, unproven; none if it does not say.</param>
/// <param name="SizeBytes">As the registry states it; null if it does not say.</param>
/// <param name="MediaType">The Content-Type without parameters; empty if there was none.</param>
public sealed record RemoteManifestHead(Digest Digest, long? SizeBytes, string MediaType = "");
