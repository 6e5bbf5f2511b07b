using System.Data.Common;
using System.Net.Sockets;
using Holdfast.Configuration;
using Holdfast.Storage.Metadata;

namespace Holdfast.Commands;

/// <summary>Says in one line why a server could not start, where the reason lies outside the program.</summary>
internal static class StartFault
{
    /// <returns>Null if nobody expected this; it is then for a developer, with its stack trace.</returns>
    public static string? Explain(Exception fault, HoldfastConfiguration configuration) => fault switch
    {
        _ when Find<SocketException>(fault) is { SocketErrorCode: SocketError.AddressAlreadyInUse } =>
            $"{fault.Message.TrimEnd('.')}; another program listens there (`ss -ltnp` shows it): stop it, or change the listener with --listen",
        _ when Find<SocketException>(fault) is { SocketErrorCode: SocketError.AccessDenied } =>
            $"{fault.Message.TrimEnd('.')}; ports below 1024 need a privilege (CAP_NET_BIND_SERVICE)",
        _ when Find<SocketException>(fault) is { SocketErrorCode: SocketError.AddressNotAvailable } =>
            $"{fault.Message.TrimEnd('.')}; this machine has no such address",
        UnauthorizedAccessException => $"data folder {configuration.DataFolder}: user {Environment.UserName} may not write there ({fault.Message})",
        DbException => $"data folder {configuration.DataFolder}: the database can't be opened ({fault.Message})",
        IOException or SocketException or InvalidDataException or SchemaTooNewException or DllNotFoundException => fault.Message,
        _ => null,
    };

    private static T? Find<T>(Exception? fault)
        where T : Exception => fault is null or T ? fault as T : Find<T>(fault.InnerException);
}
