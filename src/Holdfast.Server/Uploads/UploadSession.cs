using Holdfast.Oci;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Uploads;

/// <summary>One open upload. One request at a time may use it; the others wait in <see cref="UploadSessions.EnterAsync"/>.</summary>
internal sealed class UploadSession(Guid id, RepositoryKey repository, DigestAlgorithm algorithm) : IDisposable
{
    public Guid Id => id;

    public RepositoryKey Repository => repository;

    public DigestAlgorithm Algorithm => algorithm;

    public SemaphoreSlim Turn { get; } = new(1, 1);

    /// <summary>Null until a request opens it; then it carries the hash state from request to request.</summary>
    public BlobWriter? Writer { get; set; }

    /// <summary>Committed, cancelled or expired: whoever waited for a turn finds nothing.</summary>
    public bool IsClosed { get; set; }

    /// <summary>A timestamp of the clock; says when the last request ended.</summary>
    public long LastUsed { get; set; }

    public void Dispose() => Turn.Dispose();
}
