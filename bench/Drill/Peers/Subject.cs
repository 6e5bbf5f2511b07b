using Holdfast.Drill.Protocol;

namespace Holdfast.Drill.Peers;

/// <summary>A registry that scenarios are tried on: ours, or a peer. Collections go as far as that registry can be told to.</summary>
internal abstract class Subject : IAsyncDisposable
{
    public abstract string Name { get; }

    public abstract RegistryClient Client { get; }

    /// <summary>Takes a tag away as that registry's users do: by its API, or from its disk where it has no such call.</summary>
    public abstract Task RemoveTagAsync(string repository, string tag, CancellationToken token);

    /// <summary>Removes all that nothing holds, now, beside the running server.</summary>
    /// <param name="untagged">Manifests without a tag, too, where that can be asked for.</param>
    public abstract Task CollectAsync(bool untagged, CancellationToken token);

    public abstract Task RestartAsync(CancellationToken token);

    /// <summary>Where a blob's bytes lie.</summary>
    public abstract string BlobFile(string digest);

    public abstract ValueTask DisposeAsync();
}
