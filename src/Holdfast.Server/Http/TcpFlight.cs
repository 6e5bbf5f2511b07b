using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Holdfast.Server.Http;

/// <summary>How much of a connection may be on its way.</summary>
internal static class TcpFlight
{
    // IPPROTO_TCP and TCP_INFO of Linux; of struct tcp_info the seventh byte holds both window scales, the peer's in its lower half.
    private const int TcpLevel = 6;
    private const int Information = 11;
    private const int InformationBytes = 104;
    private const int ScaleOffset = 6;

    // What a socket takes beyond its buffer's size: it looks for room before it takes a piece, not after.
    private const long Piece = 1 << 20;

    private const long Unknown = long.MaxValue / 2;
    private const int NotTold = int.MaxValue;

    // SOL_SOCKET and SO_RCVBUF of Linux.
    private const int SocketLevel = 1;
    private const int ReceiveBuffer = 8;

    // The largest that were seen: a buffer that has grown stays as large when an administrator lowers the limit.
    private static long _sendBuffer;
    private static long _receiveBuffer;

    /// <summary>
    /// Bytes that the socket may hold until they are acknowledged, and bytes that the peer's kernel may hold until its program reads them. A window is what there
    /// is room for, so that is the largest one that the connection can offer (RFC 7323, 2.2); but a peer may offer small ones and have a large buffer behind
    /// them. Its bytes are this machine's pages only if its kernel is this one, which then has the same limits of buffers, or those of another network
    /// namespace, which its window tells. A connection of an address with itself is within one namespace, so that the buffers' limit is all there is.
    /// </summary>
    public static long MostUnderWay(Socket socket)
    {
        Span<byte> information = stackalloc byte[InformationBytes];
        try
        {
            if (socket.GetRawSocketOption(TcpLevel, Information, information) <= ScaleOffset)
                return Unknown;
            var window = IsWithinNamespace(socket) ? 0 : (long)ushort.MaxValue << (information[ScaleOffset] & 0xF);
            return Math.Max(LargestSendBuffer(), socket.SendBufferSize) + Piece + Math.Max(LargestReceiveBuffer(), window);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return Unknown;
        }
    }

    private static bool IsWithinNamespace(Socket socket) =>
        socket is { LocalEndPoint: IPEndPoint local, RemoteEndPoint: IPEndPoint remote } && local.Address.Equals(remote.Address);

    // Asked each time: an administrator may raise them. Of each setting there are the smallest, first and largest size.
    private static long LargestSendBuffer() => LargestEver(ref _sendBuffer, ReadLargest("/proc/sys/net/ipv4/tcp_wmem"));

    private static long LargestReceiveBuffer() =>
        LargestEver(ref _receiveBuffer, Math.Max(ReadLargest("/proc/sys/net/ipv4/tcp_rmem"), ProbeReceiveBuffer()));

    private static long LargestEver(ref long largest, long now)
    {
        long seen;
        if (now == NotTold)
            return now;
        while ((seen = Volatile.Read(ref largest)) < now)
            Interlocked.CompareExchange(ref largest, now, seen);
        return seen;
    }

    private static long ReadLargest(string setting)
    {
        try
        {
            return long.Parse(File.ReadAllText(setting).Split()[2], CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException or IndexOutOfRangeException)
        {
            return NotTold;
        }
    }

    // The most that a program without rights gets when it asks; the setting (rmem_max) can't be read in a container.
    private static long ProbeReceiveBuffer()
    {
        Span<byte> size = stackalloc byte[sizeof(int)];
        try
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            BitConverter.TryWriteBytes(size, int.MaxValue / 2);
            socket.SetRawSocketOption(SocketLevel, ReceiveBuffer, size);
            _ = socket.GetRawSocketOption(SocketLevel, ReceiveBuffer, size);
            return BitConverter.ToInt32(size);
        }
        catch (SocketException)
        {
            return NotTold;
        }
    }
}
