using Holdfast.Oci;

namespace Holdfast.Client;

/// <param name="Digest">Of these bytes: computed, not believed.</param>
/// <param name="MediaType">The Content-Type without parameters; empty if there was none.</param>
/// <param name="Payload">At most <see cref="Manifest.MaxSizeBytes"/> bytes.</param>
public sealed record RemoteManifest(Digest Digest, string MediaType, ReadOnlyMemory<byte> Payload);
