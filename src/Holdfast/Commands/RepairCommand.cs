using System.CommandLine;
using Holdfast.Doctor.Registry2;
using Holdfast.Doctor.Repair;
using Holdfast.Doctor.Scan;

namespace Holdfast.Commands;

/// <summary><c>holdfast repair DIR</c>: mends what <c>holdfast scan</c> finds in registry:2 folders.</summary>
internal static class RepairCommand
{
    private static readonly Argument<string> Folder = FolderKindOptions.CreateFolder();

    private static readonly Option<bool> Apply = new("--apply") { Description = "Write. Without this, only say what would be written." };

    private static readonly Option<bool> Undo = new("--undo") { Description = "Take back what the last repair of this folder wrote (with --apply; without, say what that is)." };

    private static readonly Option<bool> WhileRunning = new("--while-running")
    {
        Description = "Write although a registry uses the folder. Restart it afterwards: until then it may answer 404 for what is there again.",
    };

    private static readonly Option<bool> Fast = new("--fast") { Description = "Hash no blobs to find the damage, as holdfast scan --fast. What comes from donors is hashed in any case." };

    private static readonly Option<bool> Json = new("--json") { Description = "Print one JSON object." };

    public static Command Create()
    {
        var kinds = new FolderKindOptions();
        var donors = new DonorOptions();
        var command = new Command("repair", """
            Mends the data folder of a registry:2 after the same reading as holdfast scan. Nothing is written without --apply.
            Missing links are written; missing or damaged blobs and manifests are fetched from donors, and every byte is hashed before it is put in place.
            What is written is in a journal, in holdfast-repair/ beside docker/, and can be taken back with --undo.

              holdfast repair /var/lib/registry                                           what could be mended without a donor
              holdfast repair /var/lib/registry --donor 192.0.2.7:5000 --donor backup/    what those donors would give
              systemctl stop docker-registry
              holdfast repair /var/lib/registry --donor backup/ --apply
              systemctl start docker-registry && holdfast verify 127.0.0.1:5000
              holdfast repair /var/lib/registry --undo --apply

            A donor is a registry (HOST, or HOST/REPOSITORY for one repository of it), a registry:2's folder, an OCI layout, an archive of docker save, podman
            save or an OCI layout, containerd's content store (/var/lib/containerd), or a Holdfast data folder. They are asked in the order in which they are given.
            Exit codes: 0 everything is whole (or would be), 1 something could not be mended and is listed, 2 it could not be done.
            """)
        {
            Folder,
            Apply,
            Undo,
            WhileRunning,
            Fast,
            Json,
        };
        donors.AddTo(command);
        kinds.AddTo(command);
        command.SetAction((parsed, token) => RunAsync(parsed, kinds, donors, token));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, FolderKindOptions kinds, DonorOptions donors, CancellationToken token)
    {
        var errors = parsed.InvocationConfiguration.Error;
        try
        {
            var passedOver = new List<FolderProblem>();
            var folders = kinds.Apply(parsed, RegistryFolders.Find(parsed.GetRequiredValue(Folder), passedOver.Add));
            foreach (var problem in passedOver)
                await errors.WriteLineAsync($"passed over: {problem.Path}: {problem.Detail}");
            var users = Users(folders);
            if (parsed.GetValue(Apply) && users.Count > 0 && !parsed.GetValue(WhileRunning))
                throw new InvalidDataException($"{RepairText.Describe(users)}; stop it first, or give --while-running and restart it afterwards");
            return parsed.GetValue(Undo)
                ? await UndoAsync(parsed, folders)
                : await RepairAsync(parsed, folders, users, await donors.OpenAsync(parsed, token), token);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException or RemoteFault)
        {
            var next = e is UnauthorizedAccessException ? "; run this as root or as the registry's user" : "";
            await errors.WriteLineAsync($"holdfast repair: {e.Message.ReplaceLineEndings(" ").TrimEnd('.')}{next}");
            return RootCommands.Failed;
        }
        catch (OperationCanceledException) when (token.IsCancellationRequested)
        {
            await errors.WriteLineAsync("holdfast repair: stopped; what was written is in the journal, and --undo takes it back");
            return RootCommands.Failed;
        }
    }

    private static List<FolderUser> Users(IReadOnlyList<RegistryFolder> folders) =>
        [.. folders.SelectMany(static folder => new FolderUse().Find(folder)).DistinctBy(static user => user.ProcessId)];

    private static async Task<int> RepairAsync(
        ParseResult parsed, IReadOnlyList<RegistryFolder> folders, List<FolderUser> users, DonorSet donors, CancellationToken token)
    {
        var (output, errors) = (parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error);
        var apply = parsed.GetValue(Apply);
        await using (donors)
        {
            using var progress = new ScanProgressDisplay(errors);
            var scan = await new FolderScan(folders, new ScanOptions(parsed.GetValue(Fast), Math.Max(2, Environment.ProcessorCount), progress.Show)).RunAsync([], token);
            var outcomes = new List<RepairOutcome>();
            foreach (var registry in scan.Registries)
                outcomes.Add(new RepairOutcome(registry, await RepairAsync(registry, donors, apply, progress, token)));
            progress.Dispose();
            if (parsed.GetValue(Json))
                await RepairJson.WriteAsync(outcomes, apply, users, output);
            else
                await RepairText.WriteAsync(outcomes, apply, users, output);
            return outcomes.TrueForAll(static outcome => outcome.IsWhole) ? RootCommands.Fine : RootCommands.Findings;
        }
    }

    private static async Task<RepairReport> RepairAsync(RegistryReport registry, DonorSet donors, bool apply, ScanProgressDisplay progress, CancellationToken token)
    {
        var problems = new List<string>();
        var search = new DonorSearch(donors.Sources, problems.Add);
        // A folder without damage gets no journal.
        using var journal = apply && registry.Findings.Count > 0 ? RepairJournal.Begin(registry.Folder.DataFolder, TimeProvider.System) : null;
        var writer = journal is null ? null : new RegistryWriter(registry.Folder, journal);
        var fetched = 0L;
        var report = await new FolderRepair(registry, search, writer, bytes => progress.Show(new ScanProgress("fetching", fetched += bytes, null, "bytes"))).RunAsync(token);
        report.DonorProblems.AddRange(problems);
        report.JournalFolder = journal?.Folder;
        return report;
    }

    private static async Task<int> UndoAsync(ParseResult parsed, IReadOnlyList<RegistryFolder> folders)
    {
        var apply = parsed.GetValue(Apply);
        var undone = new List<UndoneRepair>();
        foreach (var folder in folders)
        {
            var journal = RepairJournal.FindNewest(folder.DataFolder);
            undone.Add(new UndoneRepair(folder, journal, journal is null ? [] : [.. new RepairUndo(folder, journal, apply).Run()]));
        }
        var output = parsed.InvocationConfiguration.Output;
        if (parsed.GetValue(Json))
            await UndoText.WriteJsonAsync(undone, apply, output);
        else
            await UndoText.WriteAsync(undone, apply, output);
        return undone.TrueForAll(static repair => repair.Entries.All(static one => one.Outcome != UndoOutcome.Changed)) ? RootCommands.Fine : RootCommands.Findings;
    }
}
