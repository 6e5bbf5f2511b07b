namespace Holdfast.Server.Http;

/// <summary>What an upstream sends ended before its last byte, or was wrong. It was told when it was found, once for all who waited.</summary>
internal sealed class FetchBrokenException(Exception cause) : IOException(cause.Message, cause)
{
}
