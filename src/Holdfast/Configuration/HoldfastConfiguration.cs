using Holdfast.Server;

namespace Holdfast.Configuration;

/// <summary>A configuration that is complete and valid.</summary>
/// <param name="File">The file it came from; null if there was none.</param>
/// <param name="DataFolder">Full path.</param>
/// <param name="Notes">What is right, and yet worth knowing.</param>
internal sealed record HoldfastConfiguration(
    string? File, string DataFolder, ServerOptions Server, LogConfiguration Log, IReadOnlyList<string> Notes);

internal sealed record LogConfiguration(LogFormat Format, Microsoft.Extensions.Logging.LogLevel Level);

internal enum LogFormat
{
    Console,
    Json,
}

/// <param name="Configuration">Null if any problem is an error.</param>
internal sealed record LoadResult(HoldfastConfiguration? Configuration, IReadOnlyList<Problem> Problems, bool CouldRead);
