using Holdfast.Client.Walk;
using Holdfast.Doctor.Registry2;
using Holdfast.Oci;

namespace Holdfast.Doctor.Scan;

internal enum NodeClass
{
    Whole,
    Unlinked,
    Shell,
    Gone,
    Unknown,
}

/// <summary>A manifest as one repository sees it.</summary>
internal sealed class ManifestNode(Digest digest)
{
    public Digest Digest => digest;

    /// <summary>The link through which the repository uses it, or what stands in its place.</summary>
    public required LinkFile Link { get; init; }

    public required bool IsLinked { get; init; }

    public ContentState Content { get; set; }

    public long SizeBytes { get; set; }

    /// <summary>Null if there are no bytes, or none that can be told apart into parts.</summary>
    public ManifestView? View { get; set; }

    public string? Problem { get; set; }

    public List<MissingContent> Missing { get; } = [];

    public List<MissingLink> Links { get; } = [];

    public HashSet<Digest> Parents { get; } = [];

    /// <summary>By the first index that lists it.</summary>
    public string Name { get; set; } = "";

    public SortedSet<Tag> Tags { get; } = [];

    public void NameBy(Digest parent, string name)
    {
        Parents.Add(parent);
        if (Name.Length == 0)
            Name = name;
    }

    public bool IsBroken => Class != NodeClass.Whole;

    public NodeClass Class
    {
        get
        {
            if (Content == ContentState.Unreadable || Link.State == LinkState.Unreadable || Missing.Exists(static part => part.Why == ContentState.Unreadable))
                return NodeClass.Unknown;
            if (Content != ContentState.Whole)
                return NodeClass.Gone;
            if (Missing.Count > 0)
                return NodeClass.Shell;
            // A link that could not be read may well be there (P6).
            return Links.Exists(static link => link.Was == LinkState.Unreadable) ? NodeClass.Unknown : Links.Count > 0 ? NodeClass.Unlinked : NodeClass.Whole;
        }
    }
}
