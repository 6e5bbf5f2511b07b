using System.CommandLine;
using Holdfast.Doctor.Registry2;
using Holdfast.Doctor.Scan;

namespace Holdfast.Commands;

/// <summary><c>holdfast scan DIR</c>: reads the folder of a registry:2, or of several, and says what is damaged and what mends it.</summary>
internal static class ScanCommand
{
    private static readonly Argument<string> Folder = FolderKindOptions.CreateFolder();

    private static readonly Option<bool> Json = new("--json") { Description = "Print one JSON object." };

    private static readonly Option<bool> Fast = new("--fast")
    {
        Description = "Compare sizes and hash manifests only. Finds what is missing or cut; bytes that rotted in place are not seen.",
    };

    private static readonly Option<bool> History = new("--history") { Description = "List what each tag named before, too. In JSON they always are." };

    public static Command Create()
    {
        var kinds = new FolderKindOptions();
        var command = new Command("scan", """
            Reads the data folder of registry:2 (docker-registry, distribution) and says what is damaged, whom it hits and what mends it.
            Nothing is written, and the registry may run meanwhile.
            Every blob is hashed, at the disk's speed. A pull-through cache is known by its scheduler-state.json; what it has not fetched is no finding there.

              holdfast scan /var/lib/registry
              holdfast scan /srv/registries --fast              several registries, quickly: no blob is read
              holdfast scan /srv/registries --cache dockerhub   one whose scheduler-state.json is gone
              holdfast scan /var/lib/registry --json | jq '.registries[].findings[] | {kind, repository, tags}'

            A manifest is: whole; unlinked (all bytes are there, a link is missing); a shell (its bytes are there, its config or layers are not); gone.
            What mends it: holdfast repair --help, and docs/scan.md.
            Exit codes: 0 nothing is damaged, 1 findings, 2 it could not be done (no registry's folder, no permission).
            """)
        {
            Folder,
            Json,
            Fast,
            History,
        };
        kinds.AddTo(command);
        command.SetAction((parsed, token) => RunAsync(parsed, kinds, token));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, FolderKindOptions kinds, CancellationToken token)
    {
        var (output, errors) = (parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error);
        try
        {
            var passedOver = new List<FolderProblem>();
            var folders = kinds.Apply(parsed, RegistryFolders.Find(parsed.GetRequiredValue(Folder), passedOver.Add));
            using var progress = new ScanProgressDisplay(errors);
            var options = new ScanOptions(parsed.GetValue(Fast), Math.Max(2, Environment.ProcessorCount), progress.Show);
            var report = await new FolderScan(folders, options).RunAsync(passedOver, token);
            progress.Dispose();
            if (parsed.GetValue(Json))
                await ScanJson.WriteAsync(report, output);
            else
                await ScanText.WriteAsync(report, parsed.GetValue(History), output);
            return report.IsClean ? RootCommands.Fine : RootCommands.Findings;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            await errors.WriteLineAsync($"holdfast scan: {e.Message.ReplaceLineEndings(" ")}");
            return RootCommands.Failed;
        }
        catch (OperationCanceledException) when (token.IsCancellationRequested)
        {
            await errors.WriteLineAsync("holdfast scan: stopped before it was done");
            return RootCommands.Failed;
        }
    }
}
