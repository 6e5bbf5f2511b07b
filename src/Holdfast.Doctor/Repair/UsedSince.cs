using Holdfast.Client;
using Holdfast.Client.Walk;
using Holdfast.Doctor.Registry2;
using Holdfast.Oci;

namespace Holdfast.Doctor.Repair;

/// <summary>
/// What came to rely on a repair after it: images that were pushed since, to which the registry said of mended blobs that it has them. Taking those away would break what the
/// repair never touched.
/// </summary>
internal sealed class UsedSince
{
    private readonly HashSet<Digest> _data = [];
    private readonly HashSet<string> _places = new(StringComparer.Ordinal);

    private UsedSince()
    {
    }

    /// <param name="since">Links that were written later were not written by the repair.</param>
    public static UsedSince Find(RegistryFolder folder, DateTimeOffset since)
    {
        var used = new UsedSince();
        // What can't be read is told when it is to be removed.
        foreach (var repository in folder.Repositories(static _ => { }))
        {
            foreach (var (digest, link) in repository.Layers(static _ => { }).Where(one => one.Link.WrittenAt > since))
                used.Add(digest, repository.LayerPlace(digest));
            foreach (var (digest, link) in repository.Revisions(static _ => { }).Where(one => one.Link.WrittenAt > since))
                used.AddImage(folder, repository, digest);
        }
        return used;
    }

    public bool Contains(JournalEntry entry) => entry.IsData
        ? Digest.TryParse(entry.Text, out var digest) && _data.Contains(digest)
        : _places.Contains(Path.GetDirectoryName(entry.Path)!);

    private void Add(Digest digest, string place)
    {
        _data.Add(digest);
        _places.Add(place);
    }

    // Children were pushed before it, each with a link of its own; but for those that were there.
    private void AddImage(RegistryFolder folder, RepositoryFolder repository, Digest digest)
    {
        Add(digest, repository.RevisionPlace(digest));
        if (folder.TryRead(digest, Manifest.MaxSizeBytes) is not { } bytes || !ManifestViewReader.TryRead(new RemoteManifest(digest, "", bytes), out var view, out _))
            return;
        foreach (var edge in view.Edges)
        {
            var below = edge.Content.Digest;
            if (edge.Role != StepRole.Child)
                Add(below, repository.LayerPlace(below));
            else if (!_places.Contains(repository.RevisionPlace(below)))
                AddImage(folder, repository, below);
        }
    }
}
