namespace Holdfast.Doctor.Scan;

/// <summary>What a scan of one registry saw.</summary>
public sealed record ScanCounts
{
    public long Repositories { get; set; }

    public long Tags { get; set; }

    /// <summary>Manifests that a repository has or an index lists, each once in each repository.</summary>
    public long Manifests { get; set; }

    public long Indexes { get; set; }

    public long Blobs { get; set; }

    public long BlobBytes { get; set; }

    /// <summary>Children that indexes list, by their class; of a cache, too.</summary>
    public long WholeChildren { get; set; }

    /// <summary>Of a cache: indexes that lack children or whose children lack layers, as is normal there.</summary>
    public long PartialIndexes { get; set; }

    /// <summary>Of a cache: children that it has not fetched.</summary>
    public long AbsentChildren { get; set; }

    /// <summary>For each tag, what it needs and can't have.</summary>
    public long BrokenReferences { get; set; }

    public long BrokenTags { get; set; }

    /// <summary>Manifests that no tag leads to; garbage-collect -m would take them.</summary>
    public long Untagged { get; set; }

    /// <summary>Earlier targets of tags.</summary>
    public long HistoricTags { get; set; }

    /// <summary>Links to configs or layers whose bytes are gone and that no manifest here needs.</summary>
    public long IdleLayerLinks { get; set; }

    /// <summary>Folders of links without the link: what was deleted through the API.</summary>
    public long DeletedLinks { get; set; }

    public long Uploads { get; set; }

    public long UploadBytes { get; set; }

    /// <summary>Blobs that no manifest needs.</summary>
    public long IdleBlobs { get; set; }

    public long IdleBlobBytes { get; set; }

    /// <summary>Manifests whose parts can't be told, such as Docker's schema 1.</summary>
    public long Unusable { get; set; }

    public long MissingSubjects { get; set; }

    /// <summary>What looked broken and was not, or was no longer there, when it was looked at again.</summary>
    public long Changed { get; set; }
}
