using System.Data.Common;
using System.Net;
using System.Net.Sockets;
using Holdfast.Configuration;
using Holdfast.Server.Http;
using Holdfast.Storage.FileSystem;
using Holdfast.Storage.Journal;
using Holdfast.Storage.Metadata;

namespace Holdfast.Commands;

/// <summary>Says in one line why a server could not start, where the reason lies outside the program, and what to do about it.</summary>
internal static class StartFault
{
    /// <returns>Null if nobody expected this; it is then a fault of the program.</returns>
    public static string? Explain(Exception fault, HoldfastConfiguration configuration) => fault switch
    {
        DataFolderInUseException => $"{fault.Message}; stop that one, or give this one a folder of its own with --data",
        // The second: a line of the journal that only a later program understands.
        JournalException or FormatException => OneLine(fault),
        SchemaTooNewException => $"data folder {configuration.DataFolder}: {fault.Message}",
        DbException => $"database {Path.Combine(configuration.DataFolder, "holdfast.db")}: {OneLine(fault)}; see that user "
            + $"{Environment.UserName} may write it and that the disk has room; if it is damaged, put a backup in its place",
        AdminSocketException => OneLine(fault),
        _ when Find<SocketException>(fault) is { } socket => ExplainSocket(socket.SocketErrorCode, fault, configuration),
        UnauthorizedAccessException or DataFolderException => $"data folder {configuration.DataFolder}: {OneLine(fault)}; give one that user "
            + $"{Environment.UserName} may write, with --data or the key data",
        IOException or InvalidDataException or DllNotFoundException => OneLine(fault),
        _ => null,
    };

    private static string ExplainSocket(SocketError error, Exception fault, HoldfastConfiguration configuration) => error switch
    {
        SocketError.AddressAlreadyInUse =>
            $"{OneLine(fault)}; another program listens there (`ss -ltnp` shows it): stop it, or change the listener with --listen",
        SocketError.AccessDenied => $"{Beyond(configuration, l => l.Port is > 0 and < 1024)}: {OneLine(fault)}; ports below 1024 need a privilege "
            + "(CAP_NET_BIND_SERVICE): take a higher one",
        SocketError.AddressNotAvailable => $"{Beyond(configuration, IsOfOneInterface)}: this machine has no such address; "
            + "`ip address` lists those it has, http://0.0.0.0:PORT is all of them",
        _ => OneLine(fault),
    };

    // The system's error doesn't say which listener it was.
    private static string Beyond(HoldfastConfiguration configuration, Func<Uri, bool> suspect) =>
        string.Join(" or ", configuration.Server.Listeners.Select(l => l.Url).Where(suspect).Select(url => url.OriginalString));

    private static bool IsOfOneInterface(Uri url) =>
        IPAddress.TryParse(url.Host.Trim('[', ']'), out var ip) && !IPAddress.IsLoopback(ip) && !ip.Equals(IPAddress.Any) && !ip.Equals(IPAddress.IPv6Any);

    private static string OneLine(Exception fault) => fault.Message.ReplaceLineEndings(" ").TrimEnd('.');

    private static T? Find<T>(Exception? fault)
        where T : Exception => fault is null or T ? fault as T : Find<T>(fault.InnerException);
}

/// <summary>The data folder, or something in it, can't be made, read or written.</summary>
internal sealed class DataFolderException(IOException cause) : IOException(cause.Message, cause)
{
}
