namespace Holdfast.Bench.Http;

/// <summary>A request that did not end as it should; the message is the kind of error it is counted as.</summary>
internal sealed class RequestFailedException(string kind) : Exception(kind)
{
    /// <summary>What the server said about it, for people; empty: nothing that can be shown.</summary>
    public string Said { get; init; } = "";

    /// <summary>0: there was no answer.</summary>
    public int Status { get; init; }
}
