using System.Runtime.CompilerServices;
using Holdfast.Client;
using Holdfast.Doctor.Registry2;
using Holdfast.Doctor.Sources;
using Holdfast.Oci;

namespace Holdfast.Commands;

/// <summary>Opens what somebody named as the source of an import.</summary>
internal sealed class ImportSources(ImportOrder order, RemoteAccess access, Action<string> note, Action<FolderProblem> noteProblem)
{
    /// <exception cref="RemoteFault">It can't be had, or has no list of images.</exception>
    public async Task<ContentSource> OpenAsync(CancellationToken token)
    {
        var text = order.Source;
        if (File.Exists(text) || Directory.Exists(text))
            return await OpenPathAsync(text, token);
        if (text.Contains("://", StringComparison.Ordinal) || !(text.StartsWith('/') || text.StartsWith('.')))
        {
            if (RegistryTarget.TryParse(text, out var target, out var problem))
                return await OpenRegistryAsync(target, token);
            throw new RemoteFault($"there is no file and no folder '{RegistryTarget.WithoutUser(text)}', and as a registry: {problem}");
        }
        throw new RemoteFault($"there is no file and no folder '{RegistryTarget.WithoutUser(text)}'");
    }

    private async Task<ContentSource> OpenPathAsync(string path, CancellationToken token)
    {
        var found = await SourceFinder.OpenAsync(path, noteProblem, token);
        if (found.Count > 1)
        {
            var folders = string.Join(", ", found.OfType<RegistryFolderSource>().Select(one => one.Folder.DataFolder));
            throw new RemoteFault($"'{path}' holds several registries; name one of them: {folders}");
        }
        var source = found[0];
        if (!source.CanList)
            throw new RemoteFault($"{source.Name} has blobs, but no list of images that can be read here; a running registry is imported by its address (HOST), an image of containerd by `ctr images export`");
        if (source is RegistryFolderSource { Folder.IsCache: true })
            note($"{source.Name} is a pull-through cache: of an index it has only what was pulled, and an index is taken only with all that it lists");
        if (source is ArchiveSource { MakesManifests: true })
            note($"{source.Name} keeps no manifests: they are made here, so that the digests are others than those in a registry");
        return source;
    }

    private async Task<ContentSource> OpenRegistryAsync(RegistryTarget target, CancellationToken token)
    {
        var (client, address, _, fault) = await access.ConnectAsync(target, token);
        if (client is null)
            throw new RemoteFault(fault!);
        var name = address!.GetLeftPart(UriPartial.Authority);
        return target.Repository.IsNone
            ? new RegistrySource(client, name, AllOf(client, default))
            : new RegistrySource(client, name, One(target.Repository)) { Only = target.Reference };
    }

    private async IAsyncEnumerable<RepositoryName> AllOf(RegistryClient client, [EnumeratorCancellation] CancellationToken token)
    {
        // Names that stand for one repository each need no catalogue, which many registries don't show.
        if (order.Repositories.Count > 0 && order.Repositories.All(static pattern => pattern.IsLiteral))
        {
            foreach (var pattern in order.Repositories)
                yield return RepositoryName.Parse(pattern.ToString()!);
            yield break;
        }
        var answer = await client.ListRepositoriesAsync(token);
        if (!answer.TryGet(out var names, out var failure))
            throw new SourceException($"the catalogue can't be had: {access.Explain(failure)}{(RemoteAccess.IsBusy(failure) ? "" : "; or name repositories with --repository, or as HOST/REPOSITORY")}");
        // Registries show people what they may see: an empty list says nothing about what is there, least of all that all of it is here.
        if (names.Count == 0)
            throw new SourceException("it lists no repositories, so that there is nothing to import; may this user see them? If so, name them with --repository, or as HOST/REPOSITORY");
        foreach (var name in names)
            yield return name;
    }

    private static async IAsyncEnumerable<RepositoryName> One(RepositoryName repository)
    {
        await ValueTask.CompletedTask;
        yield return repository;
    }
}
