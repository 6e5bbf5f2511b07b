namespace Holdfast.Server.Http;

/// <summary>What hashing a stored blob came to.</summary>
internal enum BlobVerdict
{
    /// <summary>All bytes were read and have the digest.</summary>
    Right,

    /// <summary>There is no file, or one of another size.</summary>
    Missing,

    /// <summary>The bytes have another digest; they are in the quarantine.</summary>
    Corrupt,

    /// <summary>They could not be read: nothing is known (P6).</summary>
    Unreadable,

    /// <summary>The row is gone, or somebody kept changing the bytes meanwhile; ask again.</summary>
    Unsettled,
}

/// <param name="Stamp">Of the bytes that were hashed; 0 unless they are right.</param>
internal readonly record struct BlobCheck(BlobVerdict Verdict, long Stamp = 0);

internal static class BlobVerdicts
{
#pragma warning disable CS8524 // A forgotten named member doesn't compile; a default arm would hide it.
    /// <summary>As metrics and reports say it.</summary>
    public static string Name(this BlobVerdict verdict) => verdict switch
    {
        BlobVerdict.Right => "right",
        BlobVerdict.Missing => "missing",
        BlobVerdict.Corrupt => "corrupt",
        BlobVerdict.Unreadable => "unreadable",
        BlobVerdict.Unsettled => "unsettled",
    };
#pragma warning restore CS8524
}
