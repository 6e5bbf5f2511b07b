using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Http;

/// <summary>Who deletes what a request deletes.</summary>
internal static class Deletions
{
    /// <summary>A new operation of the request's caller.</summary>
    public static Deletion By(RegistryRequest request) => By(request.Caller?.User ?? "anonymous", DeletionCause.Client);

    public static Deletion By(string actor, DeletionCause cause, string? run = null) =>
        new(Guid.NewGuid().ToString("N")[..12], cause, actor, run);
}
