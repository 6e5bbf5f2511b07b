using Holdfast.Doctor.Registry2;
using Holdfast.Oci;

namespace Holdfast.Doctor.Scan;

/// <summary>Says of one repository what is damaged, what is only odd, and, of a cache, what is not even odd.</summary>
internal sealed class RepositoryJudgement(RegistryReport report, RepositoryScan scan, BlobTable blobs, Action<FolderProblem> tell)
{
    private bool IsCache => report.Folder.IsCache;

    public void Run()
    {
        foreach (var node in scan.Nodes)
        {
            foreach (var child in RepositoryScan.Children(node))
                scan.Closure(child.Content.Digest).FirstOrDefault()?.NameBy(node.Digest, child.Name);
        }
        JudgeTags();
        // Before manifests: what those lack is read anew then.
        JudgeLinks();
        JudgeManifests();
        NoteHistory();
        foreach (var upload in scan.Repository.Uploads(tell))
        {
            report.Uploads.Add((scan.Name, upload));
            report.Counts.Uploads++;
            report.Counts.UploadBytes += upload.SizeBytes;
        }
    }

    private void JudgeTags()
    {
        var tagged = new HashSet<Digest>();
        foreach (var (tag, current) in scan.Tags.OrderBy(static tag => tag.Tag))
        {
            report.Counts.Tags++;
            if (!current.IsPresent)
            {
                JudgeLostTag(tag, current);
                continue;
            }
            foreach (var node in scan.Closure(current.Target))
            {
                tagged.Add(node.Digest);
                node.Tags.Add(tag);
            }
        }
        report.Counts.Untagged += scan.Nodes.Count(node => node.IsLinked && !tagged.Contains(node.Digest));
    }

    private void JudgeLostTag(Tag tag, LinkFile current)
    {
        if (scan.Repository.ReadTag(tag).Current.IsPresent)
        {
            report.Counts.Changed++;
            return;
        }
        var path = $"{scan.Repository.Place}/_manifests/tags/{tag}/current/link";
        var candidates = scan.Repository.History(tag, tell).Where(static link => link.Link.IsPresent).OrderByDescending(static link => link.Link.WrittenAt).Take(3).ToList();
        var earlier = candidates.Count == 0 ? "it has no history" : $"it named {string.Join(", ", candidates.Select(static link => link.Digest))} before";
        if (IsCache)
        {
            report.Notes.Add(new ScanNote("tag", path, current.Problem ?? "the tag leads nowhere; the cache asks upstream"));
            return;
        }
        report.Counts.BrokenTags++;
        report.Counts.BrokenReferences++;
        report.Findings.Add(new ScanFinding(current.State == LinkState.Unreadable ? DamageKind.Unreadable : DamageKind.Tag)
        {
            Repository = scan.Name,
            Tags = [tag],
            Link = current.State,
            Path = path,
            Detail = $"{current.Problem ?? "the link is missing"}; {earlier}",
        });
    }

    private void JudgeManifests()
    {
        var brokenTags = new HashSet<Tag>();
        foreach (var node in scan.Nodes.OrderBy(static node => node.Digest))
        {
            report.Counts.Manifests++;
            if (node.View?.IsIndex == true)
                report.Counts.Indexes++;
            if (node.Problem is not null && node.Content == ContentState.Whole)
                NoteUnusable(node);
            if (node.View?.Subject is { } subject && blobs.StateOf(subject.Digest, null) == ContentState.Absent)
                report.Counts.MissingSubjects++;
            if (node.Parents.Count > 0 && !node.IsBroken)
                report.Counts.WholeChildren++;
            if (!node.IsBroken || IsPartOfACache(node))
                continue;
            if (!scan.IsStillBroken(node))
            {
                report.Counts.Changed++;
                continue;
            }
            brokenTags.UnionWith(node.Tags);
            report.Counts.BrokenReferences += node.Tags.Count;
            report.Findings.Add(FindingOf(node));
        }
        report.Counts.BrokenTags += brokenTags.Count;
        if (IsCache)
            report.Counts.PartialIndexes += scan.Nodes.Count(node => RepositoryScan.Children(node).Any(child => scan.Closure(child.Content.Digest).First().IsBroken));
    }

    // What a cache hasn't got, it fetches; what it has and is wrong, it serves. The latter is told once, of the blob.
    private bool IsPartOfACache(ManifestNode node)
    {
        if (!IsCache)
            return false;
        if (node.Parents.Count > 0 && node.Content == ContentState.Absent)
            report.Counts.AbsentChildren++;
        return true;
    }

    private ScanFinding FindingOf(ManifestNode node)
    {
        var kind = node.Class switch
        {
            NodeClass.Unlinked => DamageKind.Unlinked,
            NodeClass.Shell => DamageKind.Shell,
            NodeClass.Gone => DamageKind.Gone,
            NodeClass.Unknown => DamageKind.Unreadable,
            _ => throw new InvalidOperationException("a whole manifest is no finding"),
        };
        var missing = node.Content is ContentState.Whole or ContentState.Unreadable
            ? node.Missing
            : [new MissingContent(Client.Walk.StepRole.Child, new Descriptor("", node.Digest, node.SizeBytes), node.Content)];
        return new ScanFinding(kind)
        {
            Repository = scan.Name,
            Digest = node.Digest,
            Name = node.Name,
            Parents = [.. node.Parents.Order()],
            Tags = [.. node.Tags],
            Link = node.IsLinked ? LinkState.Present : node.Link.State,
            Missing = missing,
            Links = node.Links,
            Detail = node.Problem ?? node.Link.Problem,
        };
    }

    private void NoteUnusable(ManifestNode node)
    {
        report.Counts.Unusable++;
        report.Notes.Add(new ScanNote("manifest", $"{scan.Name}@{node.Digest}", $"the manifest {node.Problem}; what it needs was not looked at"));
    }

    // What no manifest here needs: those that do tell it themselves.
    private void JudgeLinks()
    {
        foreach (var (digest, link) in scan.Layers.OrderBy(static layer => layer.Key))
        {
            if (link.State == LinkState.EmptyFolder)
                report.Counts.DeletedLinks++;
            if (scan.Uses(digest))
                continue;
            if (link.IsPresent && blobs.StateOf(digest, null) == ContentState.Absent)
                AddIdle(digest);
            else if (link.State is LinkState.Bad or LinkState.Unreadable)
                AddBadLink(digest, link, scan.Repository.LayerPlace(digest));
        }
        report.Counts.DeletedLinks += scan.Revisions.Count(static link => link.Value.State == LinkState.EmptyFolder);
    }

    private void AddIdle(Digest digest)
    {
        report.Counts.IdleLayerLinks++;
        report.IdleLayerLinks.Add((scan.Name, digest));
    }

    private void AddBadLink(Digest digest, LinkFile link, string place)
    {
        if (IsCache && link.State == LinkState.Bad)
            report.Notes.Add(new ScanNote("link", place + "/link", $"{link.Problem}; the cache fetches the blob again"));
        else
            report.Findings.Add(new ScanFinding(link.State == LinkState.Bad ? DamageKind.BadLink : DamageKind.Unreadable)
            {
                Repository = scan.Name,
                Digest = digest,
                Link = link.State,
                Links = [new MissingLink(LinkKind.Layer, digest, link.State)],
                Path = place + "/link",
                Detail = link.Problem,
            });
    }

    private void NoteHistory()
    {
        foreach (var (tag, current) in scan.Tags)
        {
            foreach (var (digest, link) in scan.Repository.History(tag, tell))
            {
                if (digest == current.Target)
                    continue;
                report.Counts.HistoricTags++;
                report.History.Add(new HistoricTag(
                    scan.Name, tag, digest, link.WrittenAt, scan.Revisions.TryGetValue(digest, out var revision) && revision.IsPresent, blobs.StateOf(digest, null)));
            }
        }
    }
}
