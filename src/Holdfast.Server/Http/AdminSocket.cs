using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Win32.SafeHandles;

namespace Holdfast.Server.Http;

/// <summary>The unix socket of local administration. Who may open its file may do everything, so nobody but its owner may.</summary>
public static class AdminSocket
{
    // struct sockaddr_un has room for 108 bytes, the last of them a zero.
    private const int MaxPathBytes = 107;

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    // SOL_SOCKET and SO_PEERCRED of Linux; struct ucred is pid, uid and gid.
    private const int SocketLevel = 1;
    private const int PeerCredentials = 17;
    private const int CredentialsBytes = 12;
    private const int UserIdOffset = 4;

    /// <returns>Why no socket can have this path; null if it can.</returns>
    public static string? PathProblem(string path)
    {
        var bytes = Encoding.UTF8.GetByteCount(path);
        return bytes <= MaxPathBytes
            ? null
            : $"the administration's socket would be {path}, whose path has {bytes} bytes, {bytes - MaxPathBytes} more than a socket's may; choose a shorter path for the data folder";
    }

    /// <summary>Removes what a server that was killed left. Whoever calls holds the data folder's lock, so nobody listens there.</summary>
    /// <exception cref="AdminSocketException">The path is too long, or can't be made free.</exception>
    internal static void Prepare(string path)
    {
        if (PathProblem(path) is { } problem)
            throw new AdminSocketException(problem);
        if (Directory.Exists(path))
            throw new AdminSocketException($"{path} is a folder, where the administration's socket belongs; remove it");
        File.Delete(path);
    }

    /// <summary>A listening socket; one with a path is its owner's alone from the moment it is there.</summary>
    internal static Socket Bind(EndPoint endpoint)
    {
        if (endpoint is not UnixDomainSocketEndPoint)
            return SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            // bind(2) gives the file the mode that the unbound socket has, less the umask; a chmod afterwards would leave a moment for others.
            using (var handle = new SafeFileHandle(socket.Handle, ownsHandle: false))
                File.SetUnixFileMode(handle, OwnerOnly);
            socket.Bind(endpoint);
            return socket;
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new AdminSocketException($"the administration's socket {endpoint} can't be made: {e.Message}", e);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Who is at a connection's other end, as the kernel says.</summary>
    internal static Caller CallerOf(IFeatureCollection connection)
    {
        Span<byte> credentials = stackalloc byte[CredentialsBytes];
        var length = connection.Get<IConnectionSocketFeature>()?.Socket.GetRawSocketOption(SocketLevel, PeerCredentials, credentials) ?? 0;
        var user = length == CredentialsBytes ? BitConverter.ToUInt32(credentials[UserIdOffset..]).ToString(CultureInfo.InvariantCulture) : "unknown";
        return new Caller($"local:{user}", static _ => RegistryActions.None);
    }
}

/// <summary>The administration's socket can't be made; the message says why.</summary>
public sealed class AdminSocketException(string message, Exception? cause = null) : IOException(message, cause)
{
}
