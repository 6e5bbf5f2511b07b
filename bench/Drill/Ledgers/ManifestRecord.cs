using Holdfast.Drill.Images;

namespace Holdfast.Drill.Ledgers;

/// <summary>What is known of a manifest in a repository.</summary>
internal sealed class ManifestRecord(string repository, Manifest manifest)
{
    public const string Present = "present";

    public string Repository => repository;

    /// <summary>Without the blobs' bytes: drills push more than fits into memory.</summary>
    public string Digest { get; } = manifest.Digest;

    public IReadOnlyList<string> Children { get; } = [.. manifest.Children.Select(child => child.Digest)];

    public IReadOnlyList<string> Blobs { get; } = [.. manifest.Blobs.Select(blob => blob.Digest)];

    /// <summary>In the ledger's order.</summary>
    public int Place { get; set; }

    public Register State { get; } = new();

    /// <summary>How often a delete took its tag or its parent away: if nothing else holds it then, the collection may take it.</summary>
    public int Releases { get; set; }

    /// <summary>As many of those were before a push of it that was acknowledged.</summary>
    public int Outlived { get; set; }

    public bool Released => Releases > Outlived;

    /// <summary>It must be there, by its digest alone.</summary>
    public bool IsOwed => State.Only == Present && !Released;
}
