using System.Buffers;
using Holdfast.Oci;

namespace Holdfast.Doctor.Sources;

/// <summary>
/// Where content may be had from: a registry, another registry's folder, a layout, an archive, a client's store. It gives bytes by digest, and lists images
/// if it can. What it gives is not hashed (except manifests): whoever takes bytes checks them. May be used by many at once.
/// </summary>
public abstract class ContentSource : IAsyncDisposable
{
    /// <summary>For messages: what it is and where.</summary>
    public abstract string Name { get; }

    /// <summary>Does every look cost a way through the network?</summary>
    public virtual bool IsRemote => false;

    /// <summary>Can <see cref="ListImagesAsync"/> tell what there is?</summary>
    public virtual bool CanList => false;

    /// <param name="repository">Where the content belongs; sources that keep content by repository look there.</param>
    /// <returns>Null only if the source was asked and hasn't got it (P6).</returns>
    /// <exception cref="SourceException">It could not be asked, or it refused: whether the bytes are there is not known.</exception>
    public abstract ValueTask<SourceBlob?> TryOpenBlobAsync(RepositoryName repository, Digest digest, CancellationToken token);

    /// <returns>The manifest's bytes, hashed and found right; null if the source hasn't got it.</returns>
    /// <exception cref="SourceException">It could not be asked, it refused, or it has other bytes under that digest.</exception>
    public virtual async ValueTask<SourceManifest?> TryReadManifestAsync(RepositoryName repository, Digest digest, CancellationToken token)
    {
        await using var blob = await TryOpenBlobAsync(repository, digest, token);
        if (blob is null)
            return null;
        using var bytes = new MemoryStream();
        var buffer = ArrayPool<byte>.Shared.Rent(64 * 1024);
        try
        {
            for (int read; (read = await blob.Content.ReadAsync(buffer, token)) > 0;)
            {
                bytes.Write(buffer, 0, read);
                if (bytes.Length > Manifest.MaxSizeBytes)
                    throw new SourceException($"{Name} has more than {Manifest.MaxSizeBytes} bytes for manifest {digest}");
            }
        }
        catch (IOException e) when (e is not SourceException)
        {
            throw new SourceException($"{Name}: {e.Message}", e);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
        var payload = bytes.ToArray();
        return Digest.Compute(digest.Algorithm, payload) == digest
            ? new SourceManifest(digest, "", payload)
            : throw new SourceException($"{Name} has other bytes under {digest}: {payload.Length} that are those of {Digest.Compute(digest.Algorithm, payload)}") { IsWrongBytes = true };
    }

    /// <summary>What it holds: each tag, and each manifest that has none and that it knows of.</summary>
    /// <param name="isWanted">Asked for each repository before it is read. Images whose repository isn't known come always.</param>
    /// <exception cref="SourceException">The list could not be had, or not all of it.</exception>
    public virtual IAsyncEnumerable<SourceImage> ListImagesAsync(Func<RepositoryName, bool> isWanted, CancellationToken token) =>
        throw new NotSupportedException($"{Name} can't tell what it holds");

    /// <summary>What says something about a manifest and may have no tag of its own; none where the list of images has all that anyway, or nobody keeps such a list.</summary>
    /// <exception cref="SourceException">It could not be asked.</exception>
    public virtual ValueTask<IReadOnlyList<Digest>> ListReferrersAsync(RepositoryName repository, Digest subject, CancellationToken token) => new([]);

    /// <returns>When the manifest was pushed there; null if that isn't known.</returns>
    public virtual DateTimeOffset? FindPushTime(RepositoryName repository, Digest manifest) => null;

    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }
}

/// <summary>A source could not be asked, refused, or is not what it should be. Says nothing about what it holds.</summary>
public sealed class SourceException(string message, Exception? cause = null) : IOException(message, cause)
{
    /// <summary>It was asked and answered, with other bytes than those of the digest.</summary>
    public bool IsWrongBytes { get; init; }
}

/// <summary>A blob's bytes, unchecked.</summary>
/// <param name="Content">From its first byte to its end. Reading may throw an <see cref="IOException"/>.</param>
/// <param name="SizeBytes">Null if it isn't known before.</param>
public sealed record SourceBlob(Stream Content, long? SizeBytes) : IAsyncDisposable
{
    /// <summary>The file that holds these bytes and no others, if they lie on a disk here; <see cref="Content"/> is then that file, opened.</summary>
    public string? File { get; init; }

    public ValueTask DisposeAsync() => Content.DisposeAsync();
}

/// <param name="MediaType">As the source states it; empty if it states none.</param>
public sealed record SourceManifest(Digest Digest, string MediaType, ReadOnlyMemory<byte> Payload);

/// <summary>Something that a source can be asked for by name.</summary>
/// <param name="Repository">None if the source doesn't know: a layout or an archive may name a tag alone.</param>
/// <param name="Tag">None for a manifest without a tag.</param>
/// <param name="PushedAt">When the tag was last moved, or the manifest pushed; null if that isn't known.</param>
/// <param name="Problem">Why <paramref name="Digest"/> is none: the tag leads nowhere, or it isn't known where.</param>
public sealed record SourceImage(RepositoryName Repository, Tag Tag, Digest Digest, DateTimeOffset? PushedAt, string? Problem = null);
