using Microsoft.AspNetCore.Http;

namespace Holdfast.Server.Http;

/// <summary>What the server keeps of one request; lives as long as its connection (its stream, with HTTP/2) and is used again.</summary>
internal sealed class RequestSlot
{
    public DefaultHttpContext Context { get; } = new();

    /// <summary>The same for every request of a connection, so it is looked up once.</summary>
    public ListenerBinding? Binding { get; set; }

    public RegistryRequest? Request { get; set; }

    public long Started { get; set; }

    /// <summary>Did <see cref="InFlight"/> count it?</summary>
    public bool Entered { get; set; }

    /// <summary>The connection was cut rather than the request answered.</summary>
    public bool Cut { get; set; }

    public RequestByteCounter Bytes { get; } = new();
}
