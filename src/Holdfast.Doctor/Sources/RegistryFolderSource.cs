using System.Runtime.CompilerServices;
using Holdfast.Doctor.Registry2;
using Holdfast.Oci;

namespace Holdfast.Doctor.Sources;

/// <summary>A registry:2's folder, whether or not that registry runs.</summary>
/// <param name="tell">Gets what can't be read and what is no registry's.</param>
public sealed class RegistryFolderSource(RegistryFolder folder, Action<FolderProblem> tell) : ContentSource
{
    public RegistryFolder Folder => folder;

    public override string Name => $"the registry's folder {folder.DataFolder}";

    public override bool CanList => true;

    /// <summary>All repositories share one store of blobs: whether this repository has a link is not asked.</summary>
    public override ValueTask<SourceBlob?> TryOpenBlobAsync(RepositoryName repository, Digest digest, CancellationToken token)
    {
        try
        {
            var file = folder.TryOpen(digest);
            if (file is null)
                return ValueTask.FromResult<SourceBlob?>(null);
            var stream = new FileStream(file, FileAccess.Read, bufferSize: 0);
            return ValueTask.FromResult<SourceBlob?>(new SourceBlob(stream, stream.Length) { File = folder.PathOf(digest) });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SourceException($"{Name}: {e.Message}", e);
        }
    }

    public override DateTimeOffset? FindPushTime(RepositoryName repository, Digest manifest) => folder.Repository(repository).ReadRevision(manifest).WrittenAt;

    public override async IAsyncEnumerable<SourceImage> ListImagesAsync(
        Func<RepositoryName, bool> isWanted, [EnumeratorCancellation] CancellationToken token)
    {
        await ValueTask.CompletedTask;
        foreach (var repository in folder.Repositories(tell))
        {
            if (!isWanted(repository.Name))
                continue;
            var tagged = new HashSet<Digest>();
            foreach (var (tag, current) in repository.Tags(tell))
            {
                token.ThrowIfCancellationRequested();
                if (current.IsPresent)
                    tagged.Add(current.Target);
                yield return new SourceImage(
                    repository.Name, tag, current.IsPresent ? current.Target : default, current.WrittenAt,
                    current.IsPresent ? null : current.Problem ?? "the tag leads nowhere: its link is missing");
            }
            foreach (var (digest, link) in repository.Revisions(tell))
            {
                token.ThrowIfCancellationRequested();
                if (link.IsPresent && !tagged.Contains(digest))
                    yield return new SourceImage(repository.Name, default, digest, link.WrittenAt);
            }
        }
    }
}
