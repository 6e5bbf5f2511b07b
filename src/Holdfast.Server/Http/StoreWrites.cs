using Holdfast.Oci;
using Holdfast.Storage;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Http;

/// <summary>
/// Whether the store takes writes: a kernel makes a file system read-only by itself when its disk fails. Pulls go on then; what would write is refused in words, and an incident is
/// open until a write works again.
/// </summary>
internal sealed class StoreWrites(ContentStores stores, TimeProvider time)
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    // As long as all seems well the database is asked this often, so that it is noticed before somebody pushes.
    private static readonly TimeSpan AskEvery = TimeSpan.FromMinutes(1);

    private static readonly byte[] Sample = [0];

    private long? _askedAt;
    private volatile bool _refused;

    /// <summary>Is told what is wrong while the store takes no writes, and null once it does.</summary>
    public Action<string?> Report { get; init; } = static _ => { };

    /// <summary>Answers 503.</summary>
    public Task FailAsync(RegistryRequest request, StoreUnwritableException e)
    {
        Note(e);
        return request.FailAsync(
            Outcome.StoreUnwritable, "the registry's disk takes no writes at the moment; pulls go on. Its administrator finds the cause with `holdfast incidents`");
    }

    /// <summary>Looks whether it writes: often after it did not.</summary>
    public async Task LookAsync(CancellationToken cancellationToken)
    {
        if (!_refused && _askedAt is { } last && time.GetElapsedTime(last) < AskEvery)
            return;
        _askedAt = time.GetTimestamp();
        try
        {
            if (_refused)
                await WriteFileAsync(cancellationToken);
            // A transaction that changes nothing else is still written.
            await stores.Metadata.WriteAsync(0, static (_, _) => true, cancellationToken);
            _refused = false;
            Report(null);
        }
        catch (StoreUnwritableException e)
        {
            Note(e);
        }
        catch (StoreFullException)
        {
            // The disk reserve tells of it.
        }
    }

    private async Task WriteFileAsync(CancellationToken cancellationToken)
    {
        var upload = Guid.NewGuid();
        await using (var writer = await stores.Blobs.OpenUploadAsync(upload, DigestAlgorithm.Sha256, cancellationToken))
            await writer.AppendAsync(Sample, CancellationToken.None);
        await stores.Blobs.RemoveUploadAsync(upload, CancellationToken.None);
    }

    private void Note(StoreUnwritableException e)
    {
        _refused = true;
        Report($"nothing can be written: {e.Message}. Pushes and deletes are refused, pulls go on");
    }
}
