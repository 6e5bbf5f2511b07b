namespace Holdfast.Server.Http;

/// <summary>What an upstream sends ended before its last byte, was wrong, or could not be read back here. It was told when it was found, once for all who waited.</summary>
internal sealed class FetchBrokenException(Exception cause) : IOException(cause.Message, cause)
{
    /// <summary>Was it our own disk?</summary>
    public bool IsOurs { get; init; }
}
