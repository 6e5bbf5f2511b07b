using Holdfast.Client;
using Holdfast.Client.Walk;
using Holdfast.Doctor.Registry2;
using Holdfast.Doctor.Scan;
using Holdfast.Doctor.Sources;
using Holdfast.Oci;

namespace Holdfast.Doctor.Repair;

/// <summary>
/// Mends one registry's folder after a scan of it. A manifest gets its links only once its config and layers are there, and bytes are taken from a donor only
/// if everything that the manifest lacks can be had, so that no half image is filled up for nothing. Without a writer it only says what it would do; then
/// manifests are fetched and hashed, and of blobs it is only asked whether they are there.
/// </summary>
public sealed class FolderRepair(RegistryReport scan, DonorSearch donors, RegistryWriter? writer, Action<long> progress)
{
    private readonly RepairReport _report = new();
    private readonly Dictionary<Digest, bool> _blobs = [];
    private readonly HashSet<(RepositoryName, Digest)> _visited = [];
    private readonly Dictionary<Digest, byte[]> _fetched = [];
    private readonly Dictionary<Digest, ContentState> _damaged = scan.Findings.Where(static finding => finding.Kind == DamageKind.Data)
        .SelectMany(static finding => finding.Missing).ToDictionary(static part => part.Content.Digest, static part => part.Why);

    private RegistryFolder Folder => scan.Folder;

    public async Task<RepairReport> RunAsync(CancellationToken token)
    {
        foreach (var finding in scan.Findings.Where(static finding => finding.Kind is DamageKind.Unlinked or DamageKind.Shell or DamageKind.Gone))
            await MendManifestAsync(finding.Repository, finding.Digest, Asked(finding), token);
        foreach (var finding in scan.Findings.Where(static finding => finding.Kind == DamageKind.BadLink))
            MendLink(finding);
        // What no manifest needed: a push of it would be answered 201 and leave it as it is.
        foreach (var digest in _damaged.Keys.Where(digest => !_blobs.ContainsKey(digest)).ToList())
            await MendStrayAsync(digest, token);
        return _report;
    }

    // The repository itself first; others that have the manifest may have it under their name at a donor, too.
    private static List<RepositoryName> Asked(ScanFinding finding)
    {
        var names = new List<RepositoryName> { finding.Repository };
        foreach (var donor in finding.Donors)
        {
            if (RepositoryName.TryParse(donor, out var name))
                names.Add(name);
        }
        return names;
    }

    private async Task MendManifestAsync(RepositoryName repository, Digest digest, List<RepositoryName> asked, CancellationToken token)
    {
        if (!_visited.Add((repository, digest)))
            return;
        if (await ReadManifestAsync(repository, digest, asked, token) is not { } bytes)
            return;
        if (!ManifestViewReader.TryRead(new RemoteManifest(digest, "", bytes), out var view, out var problem))
        {
            _report.Unmended.Add(new Unmended(repository, digest, StepRole.Child, digest, $"the manifest {problem}"));
            return;
        }
        var blobs = view.Edges.Where(static edge => edge.Role != StepRole.Child).DistinctBy(static edge => edge.Content.Digest).ToList();
        if (!await MendBlobsAsync(repository, digest, blobs, asked, token))
            return;
        if (_fetched.ContainsKey(digest) && !await FetchAsync(repository, digest, StepRole.Child, digest, asked, token))
            return;
        foreach (var blob in blobs.Where(blob => !Folder.Repository(repository).ReadLayer(blob.Content.Digest).IsPresent))
            AddLink(RepairKind.LayerLink, repository, blob.Content.Digest);
        foreach (var child in view.Edges.Where(static edge => edge.Role == StepRole.Child))
        {
            if (NeedsMending(repository, child.Content.Digest))
                await MendManifestAsync(repository, child.Content.Digest, asked, token);
        }
        if (!Folder.Repository(repository).ReadRevision(digest).IsPresent)
            AddLink(RepairKind.RevisionLink, repository, digest);
        _report.Mended.Add((repository, digest));
    }

    // A child that the scan could not see, because its index had to be fetched first.
    private bool NeedsMending(RepositoryName repository, Digest child) =>
        !Folder.Repository(repository).ReadRevision(child).IsPresent || !IsWhole(child, null) || _damaged.ContainsKey(child);

    private async Task<byte[]?> ReadManifestAsync(RepositoryName repository, Digest digest, List<RepositoryName> asked, CancellationToken token)
    {
        if (IsWhole(digest, null) && Folder.TryRead(digest, Manifest.MaxSizeBytes) is { } here && Digest.Compute(digest.Algorithm, here) == digest)
            return here;
        if (_fetched.TryGetValue(digest, out var known))
            return known;
        await foreach (var (_, blob) in donors.FindAsync(asked, digest, isManifest: true, token))
        {
            await using (blob)
            {
                using var bytes = new MemoryStream();
                await blob.Content.CopyToAsync(bytes, token);
                return _fetched[digest] = bytes.ToArray();
            }
        }
        _report.Unmended.Add(new Unmended(repository, digest, StepRole.Child, digest, NobodyHasIt()));
        return null;
    }

    private async Task<bool> MendBlobsAsync(RepositoryName repository, Digest manifest, List<ManifestEdge> blobs, List<RepositoryName> asked, CancellationToken token)
    {
        var missing = blobs.Where(blob => !IsWhole(blob.Content.Digest, blob.Content.SizeBytes) && !(_blobs.TryGetValue(blob.Content.Digest, out var mended) && mended)).ToList();
        var lacks = new List<Unmended>();
        foreach (var blob in missing)
        {
            if (!await IsOfferedAsync(blob.Content, asked, token))
                lacks.Add(new Unmended(repository, manifest, blob.Role, blob.Content.Digest, NobodyHasIt()));
        }
        _report.Unmended.AddRange(lacks);
        if (lacks.Count > 0)
            return false;
        foreach (var blob in missing)
        {
            if (!await FetchAsync(repository, manifest, blob.Role, blob.Content.Digest, asked, token))
                return false;
        }
        return true;
    }

    private async Task<bool> IsOfferedAsync(Descriptor blob, List<RepositoryName> asked, CancellationToken token)
    {
        await foreach (var (donor, found) in donors.FindAsync(asked, blob.Digest, isManifest: false, token))
        {
            await found.DisposeAsync();
            if (found.SizeBytes is null || found.SizeBytes == blob.SizeBytes)
                return true;
            donors.Tell(donor, $"has {found.SizeBytes} bytes for {blob.Digest} instead of {blob.SizeBytes}");
        }
        return false;
    }

    private async Task<bool> FetchAsync(
        RepositoryName repository, Digest manifest, StepRole role, Digest digest, List<RepositoryName> asked, CancellationToken token)
    {
        if (_blobs.TryGetValue(digest, out var known) && known)
            return true;
        var kind = Folder.LookAt(digest).State is BlobFileState.Absent or BlobFileState.NoData ? RepairKind.Data : RepairKind.ReplacedData;
        await foreach (var (donor, blob) in donors.FindAsync(asked, digest, isManifest: role == StepRole.Child, token))
        {
            await using (blob)
            {
                try
                {
                    if (writer is not null && await writer.WriteDataAsync(digest, blob, progress, token) is { } wrong)
                    {
                        donors.Tell(donor, $"{wrong} (asked for {digest})");
                        continue;
                    }
                    _report.Steps.Add(new RepairStep(kind, repository, digest, donor.Name, blob.SizeBytes));
                    return _blobs[digest] = true;
                }
                catch (SourceException e)
                {
                    donors.Tell(donor, e.Message);
                }
            }
        }
        _blobs[digest] = false;
        _report.Unmended.Add(new Unmended(repository, manifest, role, digest, "no donor gave the right bytes"));
        return false;
    }

    private async Task MendStrayAsync(Digest digest, CancellationToken token)
    {
        var holders = Folder.Repositories(static _ => { }).Select(static repository => repository)
            .Where(repository => repository.ReadLayer(digest).IsPresent || repository.ReadRevision(digest).IsPresent).Select(static repository => repository.Name).Take(16).ToList();
        if (holders.Count == 0)
            holders.Add(RepositoryName.Parse("unknown"));
        await FetchAsync(holders[0], digest, StepRole.Layer, digest, holders, token);
    }

    private void MendLink(ScanFinding finding)
    {
        var digest = finding.Digest;
        if (IsWhole(digest, null) || (_blobs.TryGetValue(digest, out var mended) && mended))
            AddLink(RepairKind.LayerLink, finding.Repository, digest);
        else
            _report.Unmended.Add(new Unmended(finding.Repository, digest, StepRole.Layer, digest, "the link is bad and the blob is not there: remove the link's folder while the registry is stopped"));
    }

    private void AddLink(RepairKind kind, RepositoryName repository, Digest digest)
    {
        var step = new RepairStep(kind, repository, digest, null, null);
        if (_report.Steps.Contains(step))
            return;
        writer?.WriteLink(writer.LinkPlace(repository, digest, kind == RepairKind.LayerLink), digest);
        _report.Steps.Add(step);
    }

    private bool IsWhole(Digest digest, long? sizeBytes)
    {
        if (_damaged.ContainsKey(digest))
            return false;
        var file = Folder.LookAt(digest);
        return file.State == BlobFileState.Present && (sizeBytes is null || sizeBytes == file.SizeBytes);
    }

    private string NobodyHasIt() => donors.Count == 0 ? "no donor was given (--donor)"
        : donors.IsInDoubt ? "no donor that could be asked has it" : "no donor has it";
}
