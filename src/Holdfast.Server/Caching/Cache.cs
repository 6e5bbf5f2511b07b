using Holdfast.Client;
using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Caching;

/// <summary>One cache: its place in the stores, what it is told, and its upstream.</summary>
internal sealed class Cache(Registry registry, Upstream upstream, string via, IncidentBook incidents) : IDisposable
{
    // An upstream that answers one question and fails the next is in trouble all the while: else each pull would open an incident and end it.
    private static readonly TimeSpan TroubleLasts = TimeSpan.FromSeconds(10);

    private readonly CacheOptions options = registry.Cache!;
    private readonly Lock _lock = new();
    private long _failedAt;
    private long _toldAt;
    private volatile string? _problem;

    public required TimeProvider Time { get; init; }

    public Registry Registry => registry;

    /// <summary>What its requests to the upstream carry, so that it knows them again.</summary>
    public string Via => via;

    public string Name => registry.Name;

    public CacheOptions Options => options;

    public Upstream Upstream => upstream;

    /// <summary>The upstream's name to clients.</summary>
    public string Namespace => options.Upstream.Namespace;

    /// <summary>What is wrong with the upstream, as it was last asked; null: nothing.</summary>
    public string? Problem => _problem;

    /// <summary>Takes note of what came of asking the upstream: an incident is open as long as it does not answer as it should (P8).</summary>
    /// <param name="failure">Null: it answered.</param>
    public void Note(RegistryFailure? failure)
    {
        var problem = failure switch
        {
            { RefusesLogin: true } => $"the upstream {Namespace} of cache {Name} refuses the user or password that it is configured with: {failure.Detail}. What is cached is served by digest alone meanwhile",
            null or { Outcome: RegistryOutcome.Unknown or RegistryOutcome.Denied } => null,
            _ => $"the upstream {Namespace} of cache {Name} can't be used as it should: {failure.Detail}. What is cached is served meanwhile",
        };
        lock (_lock)
        {
            if (problem is null)
            {
                if (_failedAt != 0 && Time.GetElapsedTime(_failedAt) < TroubleLasts)
                    return;
                (_failedAt, _toldAt) = (0, 0);
            }
            else
            {
                // What it says differs from one failure to the next, and each would be written down; that of a rest with each pull.
                _failedAt = Time.GetTimestamp();
                if (_toldAt != 0 && (failure is { IsOfRest: true } || Time.GetElapsedTime(_toldAt, _failedAt) < TroubleLasts))
                    return;
                _toldAt = _failedAt;
            }
            _problem = problem;
            incidents.Report(IncidentKind.Upstream, Name, problem);
        }
    }

    /// <summary>The repository as it is kept.</summary>
    public RepositoryName NameOf(RepositoryName repository) => registry.NameOf(repository);

    public void Dispose() => upstream.Dispose();
}
