using Holdfast.Client;
using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Caching;

/// <summary>One cache: its place in the stores, what it is told, and its upstream.</summary>
internal sealed class Cache(Registry registry, Upstream upstream, string via, IncidentBook incidents) : IDisposable
{
    private readonly CacheOptions options = registry.Cache!;
    private volatile string? problem;

    public Registry Registry => registry;

    /// <summary>What its requests to the upstream carry, so that it knows them again.</summary>
    public string Via => via;

    public string Name => registry.Name;

    public CacheOptions Options => options;

    public Upstream Upstream => upstream;

    /// <summary>The upstream's name to clients.</summary>
    public string Namespace => options.Upstream.Namespace;

    /// <summary>What is wrong with the upstream, as it was last asked; null: nothing.</summary>
    public string? Problem => problem;

    /// <summary>Takes note of what came of asking the upstream: an incident is open as long as it does not answer as it should (P8).</summary>
    /// <param name="failure">Null: it answered.</param>
    public void Note(RegistryFailure? failure)
    {
        // Its text has how long the rest goes on, another with each pull.
        if (failure is { IsOfRest: true } && problem is not null)
            return;
        problem = failure switch
        {
            { RefusesLogin: true } => $"the upstream {Namespace} of cache {Name} refuses the user or password that it is configured with: {failure.Detail}. What is cached is served by digest alone meanwhile",
            null or { Outcome: RegistryOutcome.Unknown or RegistryOutcome.Denied } => null,
            _ => $"the upstream {Namespace} of cache {Name} can't be used as it should: {failure.Detail}. What is cached is served meanwhile",
        };
        incidents.Report(IncidentKind.Upstream, Name, problem);
    }

    /// <summary>The repository as it is kept.</summary>
    public RepositoryName NameOf(RepositoryName repository) => registry.NameOf(repository);

    public void Dispose() => upstream.Dispose();
}
