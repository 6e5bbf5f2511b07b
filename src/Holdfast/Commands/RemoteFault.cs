namespace Holdfast.Commands;

/// <summary>A registry elsewhere could not be asked, or the options don't fit together; the message says why and what to do next.</summary>
internal sealed class RemoteFault(string message, Exception? cause = null) : Exception(message, cause)
{
}
