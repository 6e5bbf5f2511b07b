using Holdfast.Oci;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Heal;

/// <summary>Somewhere that may have right bytes for damaged ones. It is believed nothing: what it gives is hashed.</summary>
internal abstract class Donor : IDisposable
{
    /// <summary>For people and for the incident: an address or a folder; never credentials.</summary>
    public abstract string Name { get; }

    /// <summary>What an incident says that it was healed by.</summary>
    public virtual string By => $"donor {Name}";

    /// <summary>Could it have these at all? Else it is neither asked nor told of.</summary>
    public virtual bool IsFor(WantedBytes wanted) => true;

    /// <summary>Puts the bytes into the intake, if it has them.</summary>
    public abstract Task<DonorAnswer> FetchAsync(WantedBytes wanted, Intake intake, CancellationToken cancellationToken);

    public abstract void Dispose();
}

/// <param name="IsManifest">Do repositories have it as a manifest?</param>
/// <param name="Repositories">Those that have it here; donors may have it under the same names.</param>
internal sealed record WantedBytes(Digest Digest, long SizeBytes, bool IsManifest, IReadOnlyList<RepositoryName> Repositories)
{
    /// <summary>Repositories of caches that have it, whose upstreams gave it.</summary>
    public IReadOnlyList<RepositoryKey> Cached { get; init; } = [];
}

/// <param name="Detail">Why not, for people; empty if it gave bytes.</param>
internal readonly record struct DonorAnswer(bool Gave, string Detail)
{
    public static readonly DonorAnswer Given = new(true, "");

    public static DonorAnswer Not(string why) => new(false, why);
}
