using System.Globalization;
using Holdfast.Oci;
using Holdfast.Storage.Native;

namespace Holdfast.Doctor.Registry2;

/// <param name="Current">Leads to the manifest that the tag names now; when it was written is when the tag was pushed or moved.</param>
public sealed record TagFolder(Tag Tag, LinkFile Current);

/// <param name="Digest">What the link is for, by its folder's name.</param>
public sealed record LinkFolder(Digest Digest, LinkFile Link);

/// <summary>An upload that was begun and not finished.</summary>
/// <param name="StartedAt">By its own record, or else by its folder's time.</param>
public sealed record UploadFolder(string Id, long SizeBytes, DateTimeOffset StartedAt);

/// <summary>One repository of a registry:2 folder: its tags, and the links that let it use blobs of the store that all share.</summary>
public sealed class RepositoryFolder
{
    private readonly RootFolder _root;

    internal RepositoryFolder(RootFolder root, RepositoryName name)
    {
        _root = root;
        Name = name;
        Place = $"repositories/{name}";
    }

    public RepositoryName Name { get; }

    /// <summary>From the registry's root.</summary>
    internal string Place { get; }

    public IEnumerable<TagFolder> Tags(Action<FolderProblem> tell)
    {
        foreach (var name in Folders($"{Place}/_manifests/tags", tell))
        {
            if (Tag.TryParse(name, out var tag))
                yield return ReadTag(tag);
            else
                tell(new FolderProblem(FolderProblemKind.Strange, $"{Place}/_manifests/tags/{Quoted.Plain(name)}", $"{Quoted.Of(name)} is no tag, so that no client can ask for it"));
        }
    }

    public TagFolder ReadTag(Tag tag) => new(tag, LinkFile.Read(_root, $"{Place}/_manifests/tags/{tag}/current", default));

    /// <summary>What the tag named since it was first pushed, what it names now included, in no order.</summary>
    public IEnumerable<LinkFolder> History(Tag tag, Action<FolderProblem> tell) => Links($"_manifests/tags/{tag}/index", tell);

    /// <summary>The manifests that the repository has, by their links.</summary>
    public IEnumerable<LinkFolder> Revisions(Action<FolderProblem> tell) => Links("_manifests/revisions", tell);

    /// <summary>The configs and layers that the repository has, by their links.</summary>
    public IEnumerable<LinkFolder> Layers(Action<FolderProblem> tell) => Links("_layers", tell);

    public LinkFile ReadRevision(Digest digest) => LinkFile.Read(_root, RevisionPlace(digest), digest);

    public LinkFile ReadLayer(Digest digest) => LinkFile.Read(_root, LayerPlace(digest), digest);

    public IEnumerable<UploadFolder> Uploads(Action<FolderProblem> tell)
    {
        foreach (var id in Folders($"{Place}/_uploads", tell))
        {
            if (TryReadUpload(id, tell) is { } upload)
                yield return upload;
        }
    }

    internal string RevisionPlace(Digest digest) => $"{Place}/_manifests/revisions/{digest.Algorithm.Name()}/{digest.Hex}";

    internal string LayerPlace(Digest digest) => $"{Place}/_layers/{digest.Algorithm.Name()}/{digest.Hex}";

    private IEnumerable<LinkFolder> Links(string below, Action<FolderProblem> tell)
    {
        var place = $"{Place}/{below}";
        foreach (var algorithm in Folders(place, tell))
        {
            foreach (var hex in Folders($"{place}/{algorithm}", tell))
            {
                if (Digest.TryParse($"{algorithm}:{hex}", out var digest))
                    yield return new LinkFolder(digest, LinkFile.Read(_root, $"{place}/{algorithm}/{hex}", digest));
                else
                    tell(new FolderProblem(FolderProblemKind.Strange, $"{place}/{Quoted.Plain(algorithm)}/{Quoted.Plain(hex)}", "no link's folder: its name is no digest"));
            }
        }
    }

    private UploadFolder? TryReadUpload(string id, Action<FolderProblem> tell)
    {
        var place = $"{Place}/_uploads/{id}";
        try
        {
            var folder = _root.TryExamine(place);
            var data = _root.TryExamine($"{place}/data");
            return folder is null ? null : new UploadFolder(Quoted.Plain(id), data?.SizeBytes ?? 0, StartOf(place) ?? folder.Value.ModifiedAt);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            tell(new FolderProblem(FolderProblemKind.Unreadable, place, e.Message));
            return null;
        }
    }

    private DateTimeOffset? StartOf(string place)
    {
        using var file = _root.TryOpen($"{place}/startedat", out _);
        Span<byte> text = stackalloc byte[64];
        return file is not null && RandomAccess.Read(file, text, 0) is > 0 and var count
            && DateTimeOffset.TryParse(System.Text.Encoding.ASCII.GetString(text[..count]), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var started)
            ? started
            : null;
    }

    private IEnumerable<string> Folders(string place, Action<FolderProblem> tell)
    {
        foreach (var entry in FolderListing.Read(_root, place, tell))
        {
            if (entry.Kind == EntryKind.Folder)
                yield return entry.Name;
            else
                tell(new FolderProblem(
                    entry.Kind == EntryKind.Link ? FolderProblemKind.Linked : FolderProblemKind.Strange, $"{place}/{Quoted.Plain(entry.Name)}",
                    entry.Kind == EntryKind.Link ? "a symbolic link, which is not followed" : "a file where only folders are"));
        }
    }
}
