using Holdfast.Storage.Blobs;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Http;

/// <summary>The stores that a server works on; the caller opens them before and disposes them after.</summary>
public sealed record ServerStores(IBlobStore Blobs, MetadataDatabase Metadata);
