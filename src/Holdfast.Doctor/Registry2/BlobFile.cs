using Holdfast.Oci;
using Holdfast.Storage.Native;

namespace Holdfast.Doctor.Registry2;

public enum BlobFileState
{
    Absent,

    /// <summary>A file of at least one byte, whatever the bytes.</summary>
    Present,

    /// <summary>A file without a byte.</summary>
    ZeroLength,

    /// <summary>The folder without its file <c>data</c>.</summary>
    NoData,

    /// <summary>It can't be looked at, or lies behind a link: whether the bytes are there is not known (P6).</summary>
    Unreadable,
}

/// <summary>A blob's file, looked at and not read.</summary>
/// <param name="Problem">Why it is unreadable.</param>
public sealed record BlobFile(Digest Digest, BlobFileState State, long SizeBytes, DateTimeOffset ModifiedAt, string? Problem = null)
{
    /// <summary>Of nothing at all; the one blob that rightly has no bytes.</summary>
    private static readonly Digest Nothing256 = Digest.Compute(DigestAlgorithm.Sha256, []);
    private static readonly Digest Nothing512 = Digest.Compute(DigestAlgorithm.Sha512, []);

    internal static BlobFile Look(RootFolder root, Digest digest, string folder)
    {
        try
        {
            if (root.TryExamine(folder + "/data") is not { } state)
                return new BlobFile(digest, root.TryExamine(folder) is null ? BlobFileState.Absent : BlobFileState.NoData, 0, default);
            if (state.Kind != EntryKind.File)
                return new BlobFile(digest, BlobFileState.Unreadable, 0, state.ModifiedAt, $"'{root.PathOf(folder)}/data' is not a file");
            var isEmpty = state.SizeBytes == 0 && digest != Nothing256 && digest != Nothing512;
            return new BlobFile(digest, isEmpty ? BlobFileState.ZeroLength : BlobFileState.Present, state.SizeBytes, state.ModifiedAt);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new BlobFile(digest, BlobFileState.Unreadable, 0, default, e.Message);
        }
    }
}
