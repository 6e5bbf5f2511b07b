using System.CommandLine;
using System.Data.Common;
using Holdfast.Configuration;
using Holdfast.Oci;
using Holdfast.Storage.FileSystem;
using Holdfast.Storage.Journal;
using Holdfast.Storage.Sqlite;

namespace Holdfast.Commands;

/// <summary><c>holdfast rebuild</c>: makes the database from the journal and the blobs, of a data folder that no server has open.</summary>
internal static class RebuildCommand
{
    private static readonly Option<bool> Json = new("--json") { Description = "Print one JSON object." };

    private static readonly Option<bool> DryRun = new("--dry-run") { Description = "Only say what a rebuild would give; nothing is replaced." };

    private static readonly Option<bool> WithoutJournal = new("--without-journal")
    {
        Description = "Where there is no journal: begin with an empty database. Every image must then be pushed again.",
    };

    public static Command Create()
    {
        var options = new ConfigurationOptions(mayListen: false);
        var command = new Command("rebuild", """
            Makes the database (holdfast.db) anew from the journal and the blobs. A start does this by itself where nothing can be lost by it; this command
            is for a journal that is damaged as well. The server must be stopped. The old database is kept in the data folder's quarantine/.
            With the journal whole, everything comes back: tags, deletes, the trash. What can't be rebuilt is listed, and a push of the same image heals it.
            Open upload sessions, incidents and the times of pulls are not in the journal.

              holdfast rebuild --data /srv/registry --dry-run      what it would give
              holdfast rebuild --data /srv/registry
              holdfast rebuild --data /srv/registry --json | jq .lostManifests

            Run as root, it gives what it writes to the data folder's owner.
            Exit codes: 0 everything was rebuilt ("complete": true), 1 something could not be and is listed (without a journal, always), 2 it could not be done.
            """);
        options.AddTo(command);
        command.Add(Json);
        command.Add(DryRun);
        command.Add(WithoutJournal);
        command.SetAction((parsed, token) => RunAsync(parsed, options.Read(parsed), token));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, ConfigurationArguments arguments, CancellationToken cancellationToken)
    {
        var errors = parsed.InvocationConfiguration.Error;
        var loaded = ConfigurationLoader.OfProcess().Load(arguments);
        ConfigurationReport.WriteProblems(loaded.Problems, errors);
        if (loaded.Configuration is not { } configuration)
            return RootCommands.Failed;
        try
        {
            if (!Directory.Exists(configuration.DataFolder))
                throw new InvalidDataException($"there is no data folder {configuration.DataFolder}; name it with --data");
            // Before the folder is opened, which would lay it out.
            if (!parsed.GetValue(WithoutJournal) && !DatabaseRebuild.HasJournal(configuration.DataFolder))
                throw NoJournal(configuration.DataFolder);
            using var folder = DataFolder.Open(configuration.DataFolder);
            try
            {
                return await RebuildAsync(parsed, folder, cancellationToken);
            }
            finally
            {
                folder.GiveToOwner();
            }
        }
        catch (DataFolderInUseException e)
        {
            await errors.WriteLineAsync($"holdfast rebuild: {e.Message}; stop the server first");
        }
        catch (Exception e) when (e is DbException or IOException or UnauthorizedAccessException or InvalidDataException or FormatException)
        {
            await errors.WriteLineAsync($"holdfast rebuild: {e.Message.ReplaceLineEndings(" ")}");
        }
        return RootCommands.Failed;
    }

    private static async Task<int> RebuildAsync(ParseResult parsed, DataFolder folder, CancellationToken cancellationToken)
    {
        await using var blobs = new FileSystemBlobStore(folder, TimeProvider.System);
        var rebuild = DatabaseRebuild.Read(folder, blobs, TimeProvider.System);
        if (rebuild.HasNoJournal && !parsed.GetValue(WithoutJournal))
            throw NoJournal(folder.Path);
        var isDry = parsed.GetValue(DryRun);
        var report = await MakeAsync(rebuild, parsed, cancellationToken);
        string? old = null;
        if (isDry)
            rebuild.Discard();
        else
        {
            // The new one first, so that there is no moment at which the server could not read the one in place.
            folder.GiveToOwner();
            old = rebuild.Swap();
        }
        var output = parsed.InvocationConfiguration.Output;
        if (parsed.GetValue(Json))
            await RebuildText.WriteJsonAsync(report, isDry, old, output);
        else
            await RebuildText.WriteAsync(report, isDry, old, output);
        return report.IsComplete ? RootCommands.Fine : RootCommands.Findings;
    }

    private static InvalidDataException NoJournal(string folder) => new(
        $"there is no journal in {Path.Combine(folder, "journal")}, and without it nobody knows which blob belongs to which image: put a backup of "
        + "holdfast.db or of journal/ back, or give --without-journal to begin with an empty database");

    // Lines, so that they read well in a file too; not more than one a second's worth of work.
    private static async Task<RebuildReport> MakeAsync(DatabaseRebuild rebuild, ParseResult parsed, CancellationToken cancellationToken)
    {
        var errors = parsed.InvocationConfiguration.Error;
        var last = TimeProvider.System.GetTimestamp();
        void Tell(long changes)
        {
            if (TimeProvider.System.GetElapsedTime(last).TotalSeconds < 1)
                return;
            last = TimeProvider.System.GetTimestamp();
            errors.WriteLine($"{changes} of {Counted.Of(rebuild.LastChange, "change")}");
        }
        return await rebuild.MakeAsync(Tell, findUnknown: true, cancellationToken);
    }
}
