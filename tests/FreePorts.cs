using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Holdfast.Testing;

/// <summary>
/// Ports of the loopback that are free and stay so until a server takes them: from below those that the system gives to outgoing connections, none of
/// them twice.
/// </summary>
internal static class FreePorts
{
    private const int First = 15_000;

    private static readonly int Count = FirstOutgoing() - First;
    private static int _next = Random.Shared.Next(Count);

    public static int Take()
    {
        for (var tried = 0; tried < Count; tried++)
        {
            var port = First + (Interlocked.Increment(ref _next) % Count);
            if (IsFree(port))
                return port;
        }
        throw new InvalidOperationException($"none of the ports {First} to {First + Count - 1} is free");
    }

    private static bool IsFree(int port)
    {
        using var listener = new TcpListener(IPAddress.Loopback, port);
        try
        {
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static int FirstOutgoing()
    {
        var range = File.ReadAllText("/proc/sys/net/ipv4/ip_local_port_range").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        return int.Parse(range[0], CultureInfo.InvariantCulture) is var first and > First + 1000 ? first : 32_768;
    }
}
