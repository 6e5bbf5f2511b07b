using Holdfast.Oci;
using Holdfast.Storage.Metadata;

namespace Holdfast.Storage.Acceptance;

/// <summary>
/// Which tags an import may move: those that nobody but an import has put, to what is not older. So a source can be imported again and again while it is in use, and once
/// clients push here, their pushes stay.
/// </summary>
internal static class ImportTags
{
    public static IReadOnlyList<TagReceipt> Put(MetadataSession db, ManifestOffer offer, ImportTerms terms, long nowMs)
    {
        var isImmutable = terms.ImmutableTags?.Invoke(offer.Repository);
        var receipts = new List<TagReceipt>(offer.Tags.Count);
        foreach (var tag in offer.Tags)
        {
            var present = Tags.Find(db, offer.Repository, tag.Tag);
            var outcome = Judge(offer, tag, present, isImmutable, terms.ReplacesTags);
            if (outcome == TagReceiptOutcome.Put)
            {
                var located = new Located<Tag>(offer.Repository, Repositories.Find(db, offer.Repository)!.Value, tag.Tag);
                Tags.Put(db, located, Manifests.FindId(db, offer.Repository, offer.Digest)!.Value, offer.Digest, nowMs, tag.PushedMs ?? nowMs);
            }
            receipts.Add(new TagReceipt(tag.Tag, outcome, outcome is TagReceiptOutcome.Put or TagReceiptOutcome.Same ? null : present?.Digest));
        }
        return receipts;
    }

    private static TagReceiptOutcome Judge(ManifestOffer offer, TagOffer tag, TagRow? present, Func<Tag, bool>? isImmutable, bool replaces)
    {
        if (present is not { } row)
            return TagReceiptOutcome.Put;
        if (row.Digest == offer.Digest)
            return TagReceiptOutcome.Same;
        if (isImmutable?.Invoke(tag.Tag) == true)
            return TagReceiptOutcome.Immutable;
        if (replaces)
            return TagReceiptOutcome.Put;
        if (!row.IsImported)
            return TagReceiptOutcome.PushedHere;
        return tag.PushedMs is { } pushed && pushed < row.PushedMs ? TagReceiptOutcome.Older : TagReceiptOutcome.Put;
    }
}
