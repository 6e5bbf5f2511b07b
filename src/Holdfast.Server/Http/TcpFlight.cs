using System.Globalization;
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

    private static readonly Lazy<long> LargestSendBuffer = new(ReadLargestSendBuffer);

    /// <summary>
    /// Bytes that the socket may hold until they are acknowledged, and bytes that the peer's kernel may hold until its program reads them: never more than
    /// the largest window that the connection can offer (RFC 7323, 2.2), as a window is what there is room for.
    /// </summary>
    public static long MostUnderWay(Socket socket)
    {
        Span<byte> information = stackalloc byte[InformationBytes];
        try
        {
            if (socket.GetRawSocketOption(TcpLevel, Information, information) <= ScaleOffset)
                return Unknown;
            var window = (long)ushort.MaxValue << (information[ScaleOffset] & 0xF);
            return Math.Max(LargestSendBuffer.Value, socket.SendBufferSize) + Piece + window;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return Unknown;
        }
    }

    private static long ReadLargestSendBuffer()
    {
        const string Setting = "/proc/sys/net/ipv4/tcp_wmem"; // Smallest, first and largest size.
        try
        {
            return long.Parse(File.ReadAllText(Setting).Split()[2], CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException or IndexOutOfRangeException)
        {
            return int.MaxValue;
        }
    }
}
