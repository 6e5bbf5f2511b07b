using Holdfast.Client.Walk;
using Holdfast.Doctor.Registry2;
using Holdfast.Oci;

namespace Holdfast.Doctor.Scan;

public enum DamageKind
{
    /// <summary>A manifest whose bytes, config and layers are all there, and that the repository may not use for want of a link.</summary>
    Unlinked,

    /// <summary>A manifest whose bytes are there while its config or layers are not.</summary>
    Shell,

    /// <summary>A manifest without its bytes.</summary>
    Gone,

    /// <summary>A tag that leads nowhere.</summary>
    Tag,

    /// <summary>A blob's file that does not hold what it should. It is served as it is, and a push does not replace it.</summary>
    Data,

    /// <summary>A link that the registry can't read, to something that nothing here needs.</summary>
    BadLink,

    /// <summary>What could not be read, so that nothing is known about it (P6).</summary>
    Unreadable,
}

/// <param name="Why">Never <see cref="ContentState.Whole"/>.</param>
public sealed record MissingContent(StepRole Role, Descriptor Content, ContentState Why);

public enum LinkKind
{
    Revision,
    Layer,
}

/// <param name="Was">What stands there instead.</param>
public sealed record MissingLink(LinkKind Kind, Digest Digest, LinkState Was);

/// <summary>One damaged object of one repository, or of the store that all share.</summary>
public sealed record ScanFinding(DamageKind Kind)
{
    /// <summary>None for what belongs to no repository.</summary>
    public RepositoryName Repository { get; init; }

    /// <summary>Of the manifest or blob; none for a tag that leads nowhere.</summary>
    public Digest Digest { get; init; }

    /// <summary>The platform by which an index lists it, or "attestation"; empty if none does.</summary>
    public string Name { get; init; } = "";

    /// <summary>The indexes that list it.</summary>
    public IReadOnlyList<Digest> Parents { get; init; } = [];

    /// <summary>The tags that can't be pulled whole because of it. Of damaged data: none, since the manifests tell.</summary>
    public IReadOnlyList<Tag> Tags { get; init; } = [];

    /// <summary>Of a manifest: how its link is.</summary>
    public LinkState Link { get; init; } = LinkState.Present;

    public IReadOnlyList<MissingContent> Missing { get; init; } = [];

    public IReadOnlyList<MissingLink> Links { get; init; } = [];

    /// <summary>Where what is missing was seen: repositories of this registry that have the manifest, and registries beside it that have the bytes.</summary>
    public IReadOnlyList<string> Donors { get; set; } = [];

    /// <summary>What more there is to say.</summary>
    public string? Detail { get; init; }

    /// <summary>From the registry's root, where it is about a file.</summary>
    public string? Path { get; init; }
}
