using Holdfast.Oci;
using Holdfast.Storage.Metadata;

namespace Holdfast.Storage.Contract;

public abstract partial class MetadataDatabaseContract
{
    /// <summary>One repository as plain collections.</summary>
    private sealed class RepositoryModel
    {
        private readonly HashSet<Digest> _trashedLinks = [];
        private readonly Dictionary<Digest, HashSet<Digest>> _trashedManifests = [];

        public HashSet<Digest> Links { get; } = [];

        public Dictionary<Digest, HashSet<Digest>> Manifests { get; } = [];

        public Dictionary<string, Digest> Tags { get; } = [];

        /// <summary>The oldest first.</summary>
        public List<TrashEntry> Trash { get; } = [];

        public void AddLink(Digest blob)
        {
            Links.Add(blob);
            ShowLink(blob);
        }

        public DeleteOutcome RemoveLink(Digest blob, Deletion deletion) => Remove(Links.Contains(blob), blob, () =>
        {
            Links.Remove(blob);
            _trashedLinks.Add(blob);
            Trash.Add(new TrashEntry(TrashKind.Link, blob, null, deletion.Operation));
        });

        public DeleteOutcome Delete(Digest manifest, Deletion deletion) => Remove(Manifests.ContainsKey(manifest), manifest, () =>
        {
            foreach (var tag in Tags.Where(tag => tag.Value == manifest).Select(tag => tag.Key).ToList())
                DeleteTag(tag, deletion);
            Manifests.Remove(manifest, out var edges);
            _trashedManifests.Add(manifest, edges!);
            Trash.Add(new TrashEntry(TrashKind.Manifest, manifest, null, deletion.Operation));
        });

        public bool DeleteTag(string tag, Deletion deletion)
        {
            if (!Tags.Remove(tag, out var manifest))
                return false;
            Trash.Add(new TrashEntry(TrashKind.Tag, manifest, tag, deletion.Operation));
            return true;
        }

        public List<Digest> Put(ManifestPut put)
        {
            var edges = put.Manifest.Layers.Concat(put.Manifest.Children).Select(edge => edge.Digest).Distinct().ToList();
            var missing = edges.Where(edge => !Links.Contains(edge) && !Manifests.ContainsKey(edge)).ToList();
            if (missing.Count > 0)
                return missing;
            _trashedManifests.Remove(put.Digest);
            Trash.RemoveAll(entry => entry.Kind == TrashKind.Manifest && entry.Digest == put.Digest);
            Manifests[put.Digest] = [.. edges];
            foreach (var tag in put.Tags)
                Tags[tag.ToString()] = put.Digest;
            return [];
        }

        /// <param name="replacing">The delete of tags that stand in the way; null: those stay.</param>
        public void Restore(string operation, string? replacing)
        {
            foreach (var entry in Trash.Where(entry => entry.Operation == operation).Reverse().ToList())
            {
                if (entry.Kind == TrashKind.Manifest)
                    ShowManifest(entry.Digest);
                else if (entry.Kind == TrashKind.Link)
                    AddLink(entry.Digest);
                else
                    RestoreTag(entry, replacing);
            }
        }

        public void Purge(string operation)
        {
            foreach (var entry in Trash.Where(entry => entry.Operation == operation).ToList())
            {
                if (entry.Kind == TrashKind.Manifest && IsNeeded(entry.Digest))
                    continue;
                Trash.Remove(entry);
                if (entry.Kind == TrashKind.Manifest)
                    _trashedManifests.Remove(entry.Digest);
            }
        }

        private void RestoreTag(TrashEntry entry, string? replacing)
        {
            if (Tags.TryGetValue(entry.Tag!, out var present) && present != entry.Digest)
            {
                if (replacing is null)
                    return;
                Trash.Add(new TrashEntry(TrashKind.Tag, present, entry.Tag, replacing));
            }
            Trash.Remove(entry);
            ShowManifest(entry.Digest);
            Tags[entry.Tag!] = entry.Digest;
        }

        private void ShowManifest(Digest manifest)
        {
            Trash.RemoveAll(entry => entry.Kind == TrashKind.Manifest && entry.Digest == manifest);
            if (!_trashedManifests.Remove(manifest, out var edges))
                return;
            Manifests.Add(manifest, edges);
            foreach (var edge in edges)
            {
                ShowManifest(edge);
                if (_trashedLinks.Contains(edge))
                    AddLink(edge);
            }
        }

        private void ShowLink(Digest blob)
        {
            _trashedLinks.Remove(blob);
            Trash.RemoveAll(entry => entry.Kind == TrashKind.Link && entry.Digest == blob);
        }

        private bool IsNeeded(Digest manifest) =>
            _trashedManifests.Values.Concat(Manifests.Values).Any(edges => edges.Contains(manifest))
            || Trash.Any(entry => entry.Kind == TrashKind.Tag && entry.Digest == manifest);

        private DeleteOutcome Remove(bool isKnown, Digest digest, Action remove)
        {
            if (!isKnown)
                return DeleteOutcome.Unknown;
            if (Manifests.Values.Any(edges => edges.Contains(digest)))
                return DeleteOutcome.Held;
            remove();
            return DeleteOutcome.Deleted;
        }
    }

    private sealed record TrashEntry(TrashKind Kind, Digest Digest, string? Tag, string Operation);
}
