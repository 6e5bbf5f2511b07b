using Holdfast.Client;

namespace Holdfast.Server.Caching;

/// <summary>A fetch that failed here, or whose bytes were wrong.</summary>
internal sealed class FetchFailure(Exception cause) : IOException(cause.Message, cause)
{
    /// <summary>What those are told who have got nothing so far.</summary>
    public RegistryFailure ForClients =>
        new(InnerException is InvalidDataException ? RegistryOutcome.Mismatch : RegistryOutcome.Unavailable, Message);
}
