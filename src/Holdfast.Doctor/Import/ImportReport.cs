using Holdfast.Oci;

namespace Holdfast.Doctor.Import;

/// <summary>What an import is told.</summary>
public sealed record ImportOptions
{
    /// <summary>Which of the source's repositories.</summary>
    public Func<RepositoryName, bool> IsWanted { get; init; } = static _ => true;

    /// <summary>Where a repository's images go; None for images whose repository the source doesn't know, and back if there is no place for them.</summary>
    public Func<RepositoryName, RepositoryName> PlaceOf { get; init; } = static name => name;

    /// <summary>Leave out what has no tag, is no part of what has one, and is not about it?</summary>
    public bool TaggedOnly { get; init; }

    /// <summary>Bring files in without hashing them: each is hashed by the first pull, or by the scrub before that.</summary>
    public bool IsTrusted { get; init; }

    /// <summary>Change nothing.</summary>
    public bool IsDry { get; init; }

    /// <summary>Blobs and manifests on their way at once.</summary>
    public int Parallel { get; init; } = 8;

    public required Func<Guid> NewUpload { get; init; }

    public Action<ImportProgress> Progress { get; init; } = static _ => { };
}

/// <param name="Done">So many of the unit since the step began.</param>
/// <param name="Total">Null: nobody knows.</param>
public readonly record struct ImportProgress(string Step, long Done, long? Total, string Unit);

public enum ImportFindingKind
{
    /// <summary>Something that the image needs is not in the source, or not as it should be: nothing of the image was taken.</summary>
    NotWhole,

    /// <summary>Something of it could not be read: it may be whole (P6). Nothing of it was taken.</summary>
    Unreadable,

    /// <summary>The image is there, but the tag stays where it is.</summary>
    TagKept,

    /// <summary>The source doesn't say which repository it belongs to.</summary>
    Nameless,
}

/// <summary>An image, or a tag, that was not taken as it is in the source.</summary>
/// <param name="Repository">The source's name; None if that isn't known.</param>
/// <param name="Tag">None: it has none.</param>
/// <param name="Digest">None if the tag leads nowhere.</param>
/// <param name="Reasons">At most <see cref="MaxReasons"/>.</param>
public sealed record ImportFinding(ImportFindingKind Kind, RepositoryName Repository, Tag Tag, Digest Digest, IReadOnlyList<string> Reasons)
{
    public const int MaxReasons = 20;
}

/// <summary>What an import did; of a dry run, what it would do.</summary>
public sealed class ImportReport
{
    private const int MaxFindings = 100_000;

    private readonly List<ImportFinding> _findings = [];

    public int Repositories { get; set; }

    /// <summary>Tags that point where they do in the source because of this.</summary>
    public long Tags { get; set; }

    public long Manifests { get; set; }

    /// <summary>Images, by tags or else digests, that were there already as they are in the source.</summary>
    public long AlreadyThere { get; set; }

    public long HardLinks { get; set; }

    public long Reflinks { get; set; }

    /// <summary>Blobs whose bytes were written anew.</summary>
    public long Copies { get; set; }

    /// <summary>Of all three.</summary>
    public long Bytes { get; set; }

    /// <summary>Blobs whose bytes were here already.</summary>
    public long Shared { get; set; }

    /// <summary>Why files were copied that could have been brought in without; null: none was.</summary>
    public string? WhyCopied { get; set; }

    public IReadOnlyList<ImportFinding> Findings => _findings;

    /// <summary>Files and folders of the source that could not be read, or were not because links lead to them: what they hold is not known.</summary>
    public IReadOnlyList<string> Unread { get; set; } = [];

    public long FindingCount { get; private set; }

    /// <summary>Is everything here as it is there?</summary>
    public bool IsComplete => FindingCount == 0 && Unread.Count == 0;

    public bool IsEmpty => Tags + Manifests + HardLinks + Reflinks + Copies == 0;

    public void Add(ImportFinding finding)
    {
        FindingCount++;
        if (_findings.Count < MaxFindings)
            _findings.Add(finding);
    }

    /// <summary>Adds what a slice of this look came to; its repositories are counted here.</summary>
    public void AddSlice(ImportReport slice)
    {
        (Tags, Manifests, AlreadyThere) = (Tags + slice.Tags, Manifests + slice.Manifests, AlreadyThere + slice.AlreadyThere);
        (HardLinks, Reflinks, Copies) = (HardLinks + slice.HardLinks, Reflinks + slice.Reflinks, Copies + slice.Copies);
        (Bytes, Shared) = (Bytes + slice.Bytes, Shared + slice.Shared);
        foreach (var finding in slice.Findings)
            Add(finding);
        FindingCount += slice.FindingCount - slice.Findings.Count;
    }

    /// <summary>Adds what another look took; what it found it looked at again since.</summary>
    public void AddTaken(ImportReport other)
    {
        Repositories = Math.Max(Repositories, other.Repositories);
        (Tags, Manifests, AlreadyThere) = (Tags + other.Tags, Manifests + other.Manifests, other.AlreadyThere);
        (HardLinks, Reflinks, Copies) = (HardLinks + other.HardLinks, Reflinks + other.Reflinks, Copies + other.Copies);
        (Bytes, Shared, WhyCopied) = (Bytes + other.Bytes, Shared + other.Shared, WhyCopied ?? other.WhyCopied);
    }

    /// <summary>Adds what another look came to.</summary>
    public void Add(ImportReport other)
    {
        AddTaken(other);
        foreach (var finding in other.Findings)
            Add(finding);
        FindingCount += other.FindingCount - other.Findings.Count;
    }
}
