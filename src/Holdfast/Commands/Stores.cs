using Holdfast.Server;
using Holdfast.Server.Http;
using Holdfast.Storage;
using Holdfast.Storage.FileSystem;
using Holdfast.Storage.Sqlite;
using Microsoft.Extensions.Logging;

namespace Holdfast.Commands;

/// <summary>The concrete stores that this program puts under a server; the only place that names them.</summary>
internal sealed partial class Stores : IAsyncDisposable
{
    private readonly DataFolder _folder;

    private Stores(DataFolder folder, ContentStores server) => (_folder, Server) = (folder, server);

    public ContentStores Server { get; }

    /// <summary>The folder of bytes on their way.</summary>
    public string Uploads => _folder.Uploads;

    /// <summary>Opens the stores of a data folder, makes the folder if it isn't there, and clears what a crash left behind.</summary>
    /// <exception cref="IOException">Another process has the folder, or it can't be written.</exception>
    public static async Task<Stores> OpenAsync(string folder, TimeSpan maxUploadAge, ILoggerFactory logs, CancellationToken cancellationToken)
    {
        var data = OpenFolder(folder);
        try
        {
            var log = logs.CreateLogger("Holdfast");
            var blobs = new FileSystemBlobStore(data, TimeProvider.System);
            var (metadata, findings) = await SqliteMetadataDatabase.OpenAsync(data, blobs, TimeProvider.System, cancellationToken);
            Note(findings, log);
            var server = new ContentStores(blobs, metadata);
            var time = await StoreTime.OpenAsync(server.Metadata, TimeProvider.System, cancellationToken);
            var report = await StartupCleanup.RunAsync(server.Blobs, server.Metadata, maxUploadAge, time, cancellationToken);
            if (report.UnknownUploads + report.ExpiredUploads > 0)
                CleanedUp(log, report.UnknownUploads, report.UnknownBytes, report.ExpiredUploads, report.ExpiredBytes, report.KeptUploads);
            return new Stores(data, server);
        }
        catch (IOException e)
        {
            data.Dispose();
            throw new DataFolderException(e);
        }
        catch
        {
            data.Dispose();
            throw;
        }
    }

    private static DataFolder OpenFolder(string folder)
    {
        try
        {
            return DataFolder.Open(folder);
        }
        catch (IOException e) when (e is not DataFolderInUseException)
        {
            throw new DataFolderException(e);
        }
    }

    private static void Note(StartFindings findings, ILogger log)
    {
        foreach (var warning in findings.Warnings)
            Reconciled(log, warning);
        if (findings.Replayed > 0)
            Replayed(log, findings.Replayed);
        if (findings.Rebuilt is { IsComplete: false } rebuilt)
            Incomplete(log, rebuilt.LostManifests.Count, rebuilt.MissingBlobs.Count);
    }

    /// <inheritdoc cref="DataFolder.GiveAllToOwner"/>
    public void GiveToOwner() => _folder.GiveAllToOwner();

    public async ValueTask DisposeAsync()
    {
        await Server.Metadata.DisposeAsync();
        await Server.Blobs.DisposeAsync();
        _folder.Dispose();
    }

    [LoggerMessage(
        EventId = 2,
        Level = LogLevel.Information,
        Message = "cleaned up: {Unknown} half-written uploads ({UnknownBytes} bytes) that a crash left, {Expired} expired sessions ({ExpiredBytes} bytes); {Kept} sessions can go on")]
    private static partial void CleanedUp(ILogger logger, int unknown, long unknownBytes, int expired, long expiredBytes, int kept);

    [LoggerMessage(EventId = 4, Level = LogLevel.Warning, Message = "journal: {Finding}")]
    private static partial void Reconciled(ILogger logger, string finding);

    [LoggerMessage(EventId = 5, Level = LogLevel.Information, Message = "journal: {Count} changes that the database had not seen were replayed")]
    private static partial void Replayed(ILogger logger, long count);

    [LoggerMessage(
        EventId = 6,
        Level = LogLevel.Error,
        Message = "journal: the rebuilt database names {Manifests} manifests and {Blobs} blobs that the blob store doesn't have; each is an incident, and a push of the same image heals it")]
    private static partial void Incomplete(ILogger logger, int manifests, int blobs);
}
