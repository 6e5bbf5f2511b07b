using Holdfast.Doctor.Registry2;
using Holdfast.Oci;

namespace Holdfast.Doctor.Scan;

/// <summary>One registry: its blobs first, all of them, then one repository after the other, so that no more than one is in memory.</summary>
internal sealed class RegistryScan(RegistryFolder folder, string? name, ScanOptions options)
{
    // Between two tellings; telling costs more than looking at one blob.
    private const int Step = 500;

    private readonly RegistryReport _report = new(folder);
    private readonly BlobTable _blobs = new(folder);

    // Which repositories have a manifest, for those that have lost it.
    private readonly Dictionary<Digest, List<RepositoryName>> _holders = [];

    public async Task<RegistryReport> RunAsync(CancellationToken token)
    {
        ListBlobs(token);
        if (!options.Fast)
            await new BlobHashing(folder, options.Parallelism).RunAsync(_blobs, (done, total) => Tell("hashing", done, total, "bytes"), token);
        foreach (var repository in folder.Repositories(TellProblem))
        {
            token.ThrowIfCancellationRequested();
            Tell("reading", ++_report.Counts.Repositories, null, "repositories");
            var scan = new RepositoryScan(folder, repository, _blobs, TellProblem);
            await scan.RunAsync(token);
            foreach (var (digest, _) in scan.Revisions.Where(static link => link.Value.IsPresent))
                Holders(digest).Add(repository.Name);
            new RepositoryJudgement(_report, scan, _blobs, TellProblem).Run();
        }
        // Every push makes its repository's folder, and nothing in the registry removes one.
        if (_report.Counts is { Repositories: 0, Blobs: > 0 } && _report.Findings.Count == 0)
        {
            _report.Findings.Add(new ScanFinding(DamageKind.Unreadable)
            {
                Path = "repositories",
                Detail = $"there are {_report.Counts.Blobs} blobs and not one repository: this folder is lost, or another should be mounted here; don't collect, which would take all blobs",
            });
        }
        JudgeBlobs();
        AddHolders();
        return _report;
    }

    private void ListBlobs(CancellationToken token)
    {
        foreach (var blob in folder.Blobs(TellProblem))
        {
            token.ThrowIfCancellationRequested();
            _blobs.Add(blob);
            if (++_report.Counts.Blobs % Step == 0)
                Tell("listing", _report.Counts.Blobs, null, "blobs");
        }
    }

    private void JudgeBlobs()
    {
        foreach (var row in _blobs.Rows.OrderBy(static row => row.Digest))
        {
            if (row.State is not (ContentState.Whole or ContentState.Absent))
            {
                // Once more: it may have been written anew, or collected, since.
                if (_blobs.Refresh(row.Digest))
                {
                    _report.Counts.Changed++;
                    continue;
                }
                _report.Findings.Add(new ScanFinding(row.State == ContentState.Unreadable ? DamageKind.Unreadable : DamageKind.Data)
                {
                    Digest = row.Digest,
                    Missing = [new MissingContent(Client.Walk.StepRole.Root, new Descriptor("", row.Digest, row.SizeBytes), row.State)],
                    Detail = row.Problem,
                    Path = $"{RegistryFolder.FolderOf(row.Digest)}/data",
                });
            }
            else if (row.State == ContentState.Whole)
            {
                _report.Counts.BlobBytes += row.SizeBytes;
                if (row.IsNeeded)
                    continue;
                _report.Counts.IdleBlobs++;
                _report.Counts.IdleBlobBytes += row.SizeBytes;
            }
        }
    }

    private void AddHolders()
    {
        foreach (var finding in _report.Findings.Where(static finding => finding.Kind is DamageKind.Unlinked or DamageKind.Shell or DamageKind.Gone))
        {
            if (_holders.TryGetValue(finding.Digest, out var holders))
                finding.Donors = [.. holders.Where(holder => holder != finding.Repository).Select(static holder => holder.ToString())];
        }
    }

    private List<RepositoryName> Holders(Digest digest)
    {
        if (!_holders.TryGetValue(digest, out var holders))
            _holders[digest] = holders = [];
        return holders;
    }

    private void TellProblem(FolderProblem problem)
    {
        if (problem.Kind == FolderProblemKind.Strange)
        {
            _report.Notes.Add(new ScanNote("strange", problem.Path, problem.Detail));
            return;
        }
        if (problem.Path.StartsWith("blobs", StringComparison.Ordinal))
            _blobs.AddUnread(problem.Path);
        _report.Findings.Add(new ScanFinding(DamageKind.Unreadable) { Path = problem.Path, Detail = problem.Detail });
    }

    private void Tell(string step, long done, long? total, string unit) =>
        options.Progress(new ScanProgress(name is null ? step : $"{name}: {step}", done, total, unit));
}
