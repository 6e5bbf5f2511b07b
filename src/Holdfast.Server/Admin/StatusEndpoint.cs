using System.Reflection;
using Holdfast.Server.Http;
using Holdfast.Storage.Blobs;

namespace Holdfast.Server.Admin;

/// <summary><c>GET /api/v1/status</c></summary>
internal sealed class StatusEndpoint(ServerOptions options, IBlobStore blobs, TimeProvider time)
{
    // Without the revision that a build may put behind it.
    private static readonly string Version =
        (typeof(StatusEndpoint).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0").Split('+')[0];

    private readonly DateTimeOffset _startedAt = time.GetUtcNow();
    private readonly long _started = time.GetTimestamp();

    public Task GetAsync(AdminRequest request)
    {
        var space = blobs.MeasureSpace();
        return request.AnswerAsync(new ServerStatus(
            Version,
            _startedAt,
            (long)time.GetElapsedTime(_started).TotalSeconds,
            space?.FreeBytes,
            space?.TotalBytes,
            options.DiskReserveBytes,
            [.. options.Registries.Select(registry => registry.Name)]));
    }
}
