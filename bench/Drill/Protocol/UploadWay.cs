namespace Holdfast.Drill.Protocol;

/// <summary>How a blob is uploaded.</summary>
internal enum UploadWay
{
    /// <summary>POST, then PUT with the bytes.</summary>
    Put,

    /// <summary>One POST with the bytes.</summary>
    Post,

    /// <summary>POST, one PATCH, PUT.</summary>
    Streamed,

    /// <summary>POST, several PATCHes with ranges, PUT.</summary>
    Chunked,
}
