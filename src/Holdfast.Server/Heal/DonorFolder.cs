using Holdfast.Storage;

namespace Holdfast.Server.Heal;

/// <summary>A folder of blobs: another data folder, an OCI layout, or a registry:2 root.</summary>
internal sealed class DonorFolder(string folder) : Donor
{
    private const int ChunkBytes = 256 << 10;

    private readonly FolderDonor _folder = new(folder);

    public override string Name => folder;

    public override async Task<DonorAnswer> FetchAsync(WantedBytes wanted, Intake intake, CancellationToken cancellationToken)
    {
        try
        {
            await using var file = _folder.TryOpen(wanted.Digest);
            if (file is null)
                return DonorAnswer.Not("does not have it");
            if (file.Length != wanted.SizeBytes)
                return DonorAnswer.Not($"has wrong bytes: {file.Length} of them instead of {wanted.SizeBytes}");
            await intake.RestartAsync(cancellationToken);
            var buffer = new byte[ChunkBytes];
            int read;
            while ((read = await file.ReadAsync(buffer, cancellationToken)) > 0 && intake.Writer.SizeBytes + read <= wanted.SizeBytes)
                await intake.AppendAsync(buffer.AsMemory(0, read), cancellationToken);
            return DonorAnswer.Given;
        }
        catch (IOException e)
        {
            return DonorAnswer.Not($"can't be read: {e.Message}");
        }
    }

    public override void Dispose()
    {
    }
}
