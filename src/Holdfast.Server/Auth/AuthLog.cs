using Microsoft.Extensions.Logging;

namespace Holdfast.Server.Auth;

/// <summary>Event ids 3000 to 3099.</summary>
internal static partial class AuthLog
{
    [LoggerMessage(3000, LogLevel.Information, "Users re-read from {File}: {Count}")]
    public static partial void UsersReloaded(ILogger logger, string file, int count);

    [LoggerMessage(3001, LogLevel.Error, "The changed {File} is refused, the users read before stay in force: {Problems}")]
    public static partial void ReloadRefused(ILogger logger, string file, string problems);

    [LoggerMessage(3002, LogLevel.Warning, "Registry {Registry}: an access rule names the user '{User}', who is not in {File}")]
    public static partial void UnknownUserInRule(ILogger logger, string registry, string user, string file);
}
