using EndToEnd.Images;
using EndToEnd.Processes;
using EndToEnd.Servers;

namespace EndToEnd.Clients;

/// <summary>What a client says that it has after a pull.</summary>
/// <param name="Manifests">The digests that it knows the reference by: of the manifest or the index, or of both an index and the child it took.</param>
/// <param name="Config">The digest of the config of the image that was unpacked, where the client tells it.</param>
/// <param name="DiffIds">The digests of the layers as unpacked, where the client tells them.</param>
/// <param name="Files">The digests of the files that the client kept, hashed here, where it keeps files.</param>
internal sealed record Pulled(IReadOnlyList<string> Manifests, string? Config, IReadOnlyList<string>? DiffIds, IReadOnlySet<string>? Files);

/// <summary>A real program that pushes and pulls, with storage and settings of its own.</summary>
internal abstract class Client(Lab lab, string name) : IAsyncDisposable
{
    public string Name => name;

    /// <summary>The programs that must be installed.</summary>
    public virtual IReadOnlyList<string> Programs => [name];

    /// <summary>Whether a pushed layout arrives with its own bytes; others make a manifest of their own from it.</summary>
    public virtual bool KeepsBytes => false;

    /// <summary>Whether it can push an index with all that the index lists.</summary>
    public virtual bool PushesIndexes => true;

    /// <summary>Whether it still tells an index's digest after a pull, rather than only that of the child it took.</summary>
    public virtual bool TellsIndex => true;

    /// <summary>Whether a pull fetches all platforms.</summary>
    public virtual bool PullsWholeIndex => true;

    protected Lab Lab => lab;

    protected string Home { get; } = lab.NewFolder(name);

    /// <summary>Pushes an image or a whole index.</summary>
    /// <returns>The digest that the client says it pushed.</returns>
    public abstract Task<string> PushAsync(Endpoint endpoint, Image image, string repository, CancellationToken token);

    /// <summary>Pulls into an empty store, and leaves it empty again.</summary>
    public abstract Task<Pulled> PullAsync(Endpoint endpoint, string repository, string architecture, CancellationToken token);

    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    public override string ToString() => Name;

    protected static string Reference(Endpoint endpoint, string repository) => $"{endpoint.Host}/{repository}:{Image.Tag}";

    /// <summary>Environment of the Go clients that read Docker's config.json and the system's certificate authorities.</summary>
    protected Dictionary<string, string> GoEnvironment(Endpoint endpoint)
    {
        var environment = new Dictionary<string, string> { ["HOME"] = Home, ["DOCKER_CONFIG"] = DockerConfig.Write(Lab, endpoint) };
        if (endpoint.Authority is not null)
        {
            environment["SSL_CERT_FILE"] = endpoint.Authority;
        }

        return environment;
    }

    protected static async Task<string> RunAsync(ToolCall call, CancellationToken token) => await call.OutputAsync(token);
}
