namespace Holdfast.Client;

/// <param name="SizeBytes">As stated by the registry; null if it did not say.</param>
public sealed record RemoteBlobSize(long? SizeBytes);

/// <summary>A blob that is being received. A connection that breaks is taken up again where it ended; nothing is hashed here.</summary>
public sealed class RemoteBlob : IAsyncDisposable
{
    internal RemoteBlob(Stream content, long? sizeBytes) => (Content, SizeBytes) = (content, sizeBytes);

    /// <summary>Of the whole blob, as stated by the registry; null if it did not say.</summary>
    public long? SizeBytes { get; }

    /// <summary>Reading throws <see cref="BlobBrokenException"/> once no more tries are left.</summary>
    public Stream Content { get; }

    /// <summary>What to say of it if it isn't what was asked for: a page for people that stands in its place; null for anything else.</summary>
    internal RegistryFailure? Page { get; init; }

    public ValueTask DisposeAsync() => Content.DisposeAsync();
}

/// <summary>The rest of a blob could not be received.</summary>
public sealed class BlobBrokenException(RegistryFailure failure) : IOException(failure.Detail)
{
    public RegistryFailure Failure { get; } = failure;
}
