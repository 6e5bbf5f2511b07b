namespace Holdfast.Server.Http;

/// <summary>The rest of an answer can't be had, for a reason that was told once, where it was noticed: not again with a stack for each client.</summary>
internal sealed class AnswerCutException(Exception cause) : IOException(cause.Message, cause)
{
}
