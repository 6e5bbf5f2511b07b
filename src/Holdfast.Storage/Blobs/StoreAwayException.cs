namespace Holdfast.Storage.Blobs;

/// <summary>The blobs aren't where they should be: what is missing isn't lost, and what would be stored could be gone with the next mount.</summary>
/// <param name="fault">What is found and what to do, for the operator.</param>
public sealed class StoreAwayException(string fault) : IOException(fault)
{
}
