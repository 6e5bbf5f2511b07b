using Holdfast.Oci;

namespace Holdfast.Storage.Journal;

/// <summary>What a rebuild made, and what it could not.</summary>
public sealed record RebuildReport
{
    /// <summary>Changes read from the journal, after its snapshot if it has one.</summary>
    public long Changes { get; init; }

    public long Repositories { get; init; }

    public long Manifests { get; init; }

    public long Tags { get; init; }

    public long Links { get; init; }

    /// <summary>Things in the trash, which can be restored as before.</summary>
    public long Trashed { get; init; }

    /// <summary>Manifests whose bytes are gone: they are back by name, and a push of the same image heals them.</summary>
    public IReadOnlyList<LostManifest> LostManifests { get; init; } = [];

    /// <summary>Linked blobs whose file is gone or of another size; a push heals them.</summary>
    public IReadOnlyList<MissingBlob> MissingBlobs { get; init; } = [];

    /// <summary>What the journal itself no longer tells, in sentences.</summary>
    public IReadOnlyList<string> Damage { get; init; } = [];

    /// <summary>Events that didn't fit, in sentences.</summary>
    public IReadOnlyList<string> Refused { get; init; } = [];

    /// <summary>Manifests among the blobs of which the journal says nothing, or nothing any more.</summary>
    public long UnknownManifests { get; init; }

    /// <summary>Blobs of which it says nothing, these manifests among them.</summary>
    public long UnknownBlobs { get; init; }

    /// <summary>Nothing of what was acknowledged is missing.</summary>
    public bool IsComplete => LostManifests.Count + MissingBlobs.Count + Damage.Count + Refused.Count == 0;
}

/// <param name="SizeBytes">As it was pushed.</param>
/// <param name="FoundBytes">The file's size; null: there is none.</param>
public sealed record MissingBlob(Digest Digest, long SizeBytes, long? FoundBytes);
