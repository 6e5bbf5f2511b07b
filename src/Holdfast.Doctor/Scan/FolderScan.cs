using Holdfast.Doctor.Registry2;
using Holdfast.Oci;

namespace Holdfast.Doctor.Scan;

/// <summary>
/// A forensic reading of registry:2 folders (<c>holdfast scan</c>). Nothing is written. What looks broken is looked at again before it is said, since the
/// registry may run meanwhile.
/// </summary>
public sealed class FolderScan(IReadOnlyList<RegistryFolder> folders, ScanOptions options)
{
    /// <param name="passedOver">What was passed over in the search for these folders.</param>
    public async Task<ScanReport> RunAsync(IReadOnlyList<FolderProblem> passedOver, CancellationToken token)
    {
        var reports = new List<RegistryReport>();
        foreach (var folder in folders)
            reports.Add(await new RegistryScan(folder, folders.Count > 1 ? folder.Name : null, options).RunAsync(token));
        foreach (var report in reports)
            FindDonors(report);
        return new ScanReport(reports, passedOver, options.Fast);
    }

    // Beside this registry: a cache often has what the hosted registry lost, and the other way round.
    private void FindDonors(RegistryReport report)
    {
        foreach (var finding in report.Findings)
        {
            var missing = finding.Kind == DamageKind.Data ? [finding.Digest] : finding.Missing.Select(static part => part.Content.Digest).Distinct().ToList();
            foreach (var other in missing.Count == 0 ? [] : folders.Where(other => other.Path != report.Folder.Path))
            {
                var found = missing.Count(digest => other.LookAt(digest).State == BlobFileState.Present);
                if (found > 0)
                    finding.Donors = [.. finding.Donors, $"{other.DataFolder} ({(found == missing.Count ? "all" : $"{found} of {missing.Count}")})"];
            }
        }
    }
}
