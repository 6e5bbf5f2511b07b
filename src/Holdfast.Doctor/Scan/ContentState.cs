namespace Holdfast.Doctor.Scan;

/// <summary>What a blob's bytes are, as far as the scan looked.</summary>
public enum ContentState
{
    Whole,

    /// <summary>No file.</summary>
    Absent,

    /// <summary>A file without a byte, where there should be some.</summary>
    ZeroLength,

    /// <summary>The file has another size than what refers to it states.</summary>
    WrongSize,

    /// <summary>The file's bytes are not those of its digest.</summary>
    WrongHash,

    /// <summary>It could not be read, so that it may be there or not (P6).</summary>
    Unreadable,
}
