namespace Holdfast.Oci;

/// <summary>What stands after <c>/manifests/</c>: a digest or a tag (dist-spec v1.1.1, end-3). Exactly one of the two is set.</summary>
public readonly record struct Reference
{
    private Reference(Digest digest, Tag tag) => (Digest, Tag) = (digest, tag);

    public Digest Digest { get; }

    public Tag Tag { get; }

    public bool IsDigest => !Digest.IsNone;

    /// <summary>A text with a colon can only be a digest, since no tag holds one; any other can only be a tag.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out Reference reference)
    {
        Digest digest = default;
        Tag tag = default;
        var parsed = text.Contains(':') ? Digest.TryParse(text, out digest) : Tag.TryParse(text, out tag);
        reference = parsed ? new Reference(digest, tag) : default;
        return parsed;
    }

    public override string ToString() => IsDigest ? Digest.ToString() : Tag.ToString();

    public static implicit operator Reference(Digest digest) => new(digest, default);

    public static implicit operator Reference(Tag tag) => new(default, tag);

    public static Reference FromDigest(Digest digest) => digest;

    public static Reference FromTag(Tag tag) => tag;
}
