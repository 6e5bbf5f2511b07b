using Holdfast.Doctor.Registry2;
using Holdfast.Doctor.Scan;

namespace Holdfast.Doctor.Tests.Scan;

/// <summary>Runs a scan over folders and gives what a test asks about it.</summary>
internal static class Scanning
{
    public static async Task<ScanReport> RunAsync(string path, bool fast = false, Action<ScanProgress>? progress = null)
    {
        var passedOver = new List<FolderProblem>();
        var folders = RegistryFolders.Find(path, passedOver.Add);
        return await new FolderScan(folders, new ScanOptions(fast, 2, progress ?? (_ => { }))).RunAsync(passedOver, TestContext.Current.CancellationToken);
    }

    public static async Task<RegistryReport> RunAsync(FakeRegistry registry, bool fast = false) => (await RunAsync(registry.Data, fast)).Registries.Single();
}
