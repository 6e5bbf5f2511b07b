namespace Holdfast.Load;

/// <summary>A request that did not end as it should; the message is the kind of error it is counted as.</summary>
internal sealed class RequestFailedException(string kind) : Exception(kind);
