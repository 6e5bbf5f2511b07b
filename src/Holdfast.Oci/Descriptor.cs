namespace Holdfast.Oci;

/// <summary>A reference to content (image-spec v1.1, descriptor.md).</summary>
/// <param name="MediaType">As the manifest states it; empty if it states none.</param>
/// <param name="Digest">Of the content's bytes.</param>
/// <param name="SizeBytes">The content's size in bytes.</param>
public sealed record Descriptor(string MediaType, Digest Digest, long SizeBytes);
