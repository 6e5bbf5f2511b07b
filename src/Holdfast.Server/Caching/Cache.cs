using Holdfast.Client;
using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Caching;

/// <summary>One cache: its place in the stores, what it is told, and its upstream.</summary>
internal sealed class Cache(Registry registry, Upstream upstream, string via, IncidentBook incidents) : IDisposable
{
    private readonly CacheOptions options = registry.Cache!;

    public Registry Registry => registry;

    /// <summary>What its requests to the upstream carry, so that it knows them again.</summary>
    public string Via => via;

    public string Name => registry.Name;

    public CacheOptions Options => options;

    public Upstream Upstream => upstream;

    /// <summary>The upstream's name to clients.</summary>
    public string Namespace => options.Upstream.Namespace;

    /// <summary>Takes note of what came of asking the upstream: an incident is open as long as it does not answer as it should (P8).</summary>
    /// <param name="failure">Null: it answered.</param>
    public void Note(RegistryFailure? failure)
    {
        var isWell = failure is null or { Outcome: RegistryOutcome.Unknown or RegistryOutcome.Denied };
        incidents.Report(IncidentKind.Upstream, Name, isWell ? null : $"the upstream {Namespace} of cache {Name} can't be used as it should: {failure!.Detail}. What is cached is served meanwhile");
    }

    /// <summary>The repository as it is kept.</summary>
    public RepositoryName NameOf(RepositoryName repository) => registry.NameOf(repository);

    public void Dispose() => upstream.Dispose();
}
