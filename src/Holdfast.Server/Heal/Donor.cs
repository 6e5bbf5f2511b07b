using Holdfast.Oci;

namespace Holdfast.Server.Heal;

/// <summary>Somewhere that may have right bytes for damaged ones. It is believed nothing: what it gives is hashed.</summary>
internal abstract class Donor : IDisposable
{
    /// <summary>For people and for the incident: an address or a folder; never credentials.</summary>
    public abstract string Name { get; }

    /// <summary>Puts the bytes into the intake, if it has them.</summary>
    public abstract Task<DonorAnswer> FetchAsync(WantedBytes wanted, Intake intake, CancellationToken cancellationToken);

    public abstract void Dispose();
}

/// <param name="IsManifest">Do repositories have it as a manifest?</param>
/// <param name="Repositories">Those that have it here; donors may have it under the same names.</param>
internal sealed record WantedBytes(Digest Digest, long SizeBytes, bool IsManifest, IReadOnlyList<RepositoryName> Repositories);

/// <param name="Detail">Why not, for people; empty if it gave bytes.</param>
internal readonly record struct DonorAnswer(bool Gave, string Detail)
{
    public static readonly DonorAnswer Given = new(true, "");

    public static DonorAnswer Not(string why) => new(false, why);
}
