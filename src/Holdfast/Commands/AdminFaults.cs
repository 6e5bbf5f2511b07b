using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text.Json;

namespace Holdfast.Commands;

/// <summary>Words for what goes wrong between a command and the server that it administers.</summary>
internal sealed class AdminFaults
{
    /// <summary>What to do about a disk without room.</summary>
    public const string WhenFull = "free some room, then run this again";

    private readonly string? _folder;
    private readonly string? _user;

    // The URL, or the socket's path.
    private readonly string _place;

    private AdminFaults(string place, string? folder, string? user) => (_place, _folder, _user) = (place, folder, user);

    public static AdminFaults OfFolder(string folder, string socket) => new(socket, folder, null);

    public static AdminFaults OfServer(Uri address, string user) => new(address.GetLeftPart(UriPartial.Authority), null, user);

    /// <param name="fault">What was thrown.</param>
    /// <param name="token">The command's own; if it is set, the user gave up, and that is no fault.</param>
    /// <returns>Null for what nobody expected.</returns>
    public AdminFault? Explain(Exception fault, CancellationToken token) => fault switch
    {
        _ when token.IsCancellationRequested => null,
        AdminFault => null,
        OperationCanceledException => new AdminFault($"{_place}: no answer in time; is the server overloaded, or stopped by a debugger?", fault),
        JsonException => new AdminFault($"{_place} answers, but not as holdfast does; is it one, and not older than this command?", fault),
        _ when Find<SocketException>(fault) is { } socket => OfSocket(socket),
        HttpRequestException when Find<AuthenticationException>(fault) is { } tls => OfTls(tls),
        HttpRequestException or IOException => new AdminFault($"{_place}: the connection broke off ({OneLine(fault)}); {WhereToLook}", fault),
        _ => null,
    };

    /// <param name="body">Errors in the specification's JSON, or whatever another program says.</param>
    public AdminFault Refused(HttpStatusCode status, byte[] body)
    {
        if (MessageIn(body) is not { } message)
            return new AdminFault($"{_place} answers {(int)status}, and not as holdfast does; is it one?");
        return status switch
        {
            HttpStatusCode.InsufficientStorage => new AdminFault($"{message}; {WhenFull}"),
            HttpStatusCode.Unauthorized => new AdminFault($"{_place}: user {_user} or the password is wrong"),
            _ when _user is not null => new AdminFault($"{_place}: {message}"),
            _ => new AdminFault(message),
        };
    }

    private string WhereToLook => _place.StartsWith("http://", StringComparison.Ordinal) ? "is it https:// there? Else the server's log tells more" : "the server's log tells more";

    // .NET says which of the two it is only in words, with the name of its own enumeration.
    private AdminFault OfTls(AuthenticationException fault) => fault.Message.Contains("RemoteCertificateNameMismatch", StringComparison.Ordinal)
        ? new AdminFault($"{_place}: the server's certificate is for another name; give --server the name that it is for", fault)
        : new AdminFault($"{_place}: the certificate isn't trusted ({OneLine(fault)}); name the authority that signed it with --ca", fault);

    private AdminFault OfSocket(SocketException fault) => fault.SocketErrorCode switch
    {
        SocketError.AccessDenied when _folder is not null => new AdminFault(
            $"user {Environment.UserName} may not use {_place}; run this as the user that the server runs as", fault),
        SocketError.ConnectionRefused or SocketError.AddressNotAvailable or SocketError.SocketError when _folder is not null => new AdminFault(
            $"no holdfast serves the data folder {_folder} (start it with `holdfast serve --data {_folder}`, or name another with --data)", fault),
        SocketError.ConnectionRefused => new AdminFault($"{_place}: nothing listens there", fault),
        _ => new AdminFault($"{_place}: {OneLine(fault)}", fault),
    };

    private static string? MessageIn(byte[] body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            return document.RootElement.GetProperty("errors")[0].GetProperty("message").GetString();
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or IndexOutOfRangeException)
        {
            return null;
        }
    }

    private static string OneLine(Exception fault) => fault.Message.ReplaceLineEndings(" ").TrimEnd('.');

    private static T? Find<T>(Exception? fault)
        where T : Exception => fault is null or T ? fault as T : Find<T>(fault.InnerException);
}
