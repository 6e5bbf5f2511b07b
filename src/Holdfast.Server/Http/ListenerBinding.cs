namespace Holdfast.Server.Http;

/// <summary>What a connection's listener serves; set as a connection feature when it is accepted.</summary>
internal sealed record ListenerBinding(ListenerOptions Options, Registry Registry);
