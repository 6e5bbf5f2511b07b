namespace Holdfast.Commands;

/// <summary>A server could not be asked, or refused; the message says why and what to do next.</summary>
internal sealed class AdminFault(string message, Exception? cause = null) : Exception(message, cause)
{
}
