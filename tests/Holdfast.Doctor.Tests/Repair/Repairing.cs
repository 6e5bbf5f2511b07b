using Holdfast.Doctor.Repair;
using Holdfast.Doctor.Scan;
using Holdfast.Doctor.Sources;
using Holdfast.Doctor.Tests.Scan;

namespace Holdfast.Doctor.Tests.Repair;

/// <summary>Scans a folder, mends it from donors, and tells what the folder looked like.</summary>
internal static class Repairing
{
    public static async Task<RepairReport> RunAsync(FakeRegistry registry, bool apply, params ContentSource[] donors)
    {
        var scan = await Scanning.RunAsync(registry);
        using var journal = apply ? RepairJournal.Begin(scan.Folder.DataFolder, TimeProvider.System) : null;
        var problems = new List<string>();
        var writer = journal is null ? null : new RegistryWriter(scan.Folder, journal);
        var report = await new FolderRepair(scan, new DonorSearch(donors, problems.Add), writer, _ => { }).RunAsync(TestContext.Current.CancellationToken);
        report.DonorProblems.AddRange(problems);
        report.JournalFolder = journal?.Folder;
        return report;
    }

    public static RegistryFolderSource Donor(FakeRegistry registry) => new(registry.Open(), _ => { });

    public static IReadOnlyList<(JournalEntry Entry, UndoOutcome Outcome)> Undo(FakeRegistry registry, bool apply) =>
        [.. new RepairUndo(registry.Open(), RepairJournal.FindNewest(registry.Data)!, apply).Run()];

    /// <summary>Every file and folder of the registry with its content.</summary>
    public static SortedDictionary<string, string> Picture(FakeRegistry registry) => new(
        Directory.EnumerateFileSystemEntries(registry.PathOf(""), "*", SearchOption.AllDirectories)
            .ToDictionary(path => path, path => Directory.Exists(path) ? "" : Convert.ToHexString(File.ReadAllBytes(path))), StringComparer.Ordinal);
}
