using Holdfast.Server.Http;

namespace Holdfast.Server;

/// <summary>What a server does by itself, beside its requests; one line for each.</summary>
internal static class BackgroundWork
{
    public static IReadOnlyList<Recurring> Start() => [];
}
