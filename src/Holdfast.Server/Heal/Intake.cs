using Holdfast.Server.Http;
using Holdfast.Storage.Blobs;

namespace Holdfast.Server.Heal;

/// <summary>Where a donor's bytes go: an upload of the blob store, which becomes a blob only if their hash is right.</summary>
internal sealed class Intake(BlobWriter writer, Pace pace)
{
    public BlobWriter Writer => writer;

    /// <summary>Forgets what came so far: it was not it.</summary>
    public ValueTask RestartAsync(CancellationToken cancellationToken) =>
        writer.SizeBytes == 0 ? default : writer.TruncateAsync(0, cancellationToken);

    /// <exception cref="IntakeException">They could not be stored here; that is not the donor's fault.</exception>
    public async ValueTask AppendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        try
        {
            await writer.AppendAsync(bytes, cancellationToken);
        }
        catch (IOException e)
        {
            throw new IntakeException(e);
        }
        await pace.WaitAsync(bytes.Length, cancellationToken);
    }
}

/// <summary>Our own store did not take the bytes.</summary>
internal sealed class IntakeException(IOException cause) : Exception(cause.Message, cause)
{
}
