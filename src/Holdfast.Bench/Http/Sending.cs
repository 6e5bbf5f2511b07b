using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Holdfast.Bench.Http;

/// <summary>
/// Sends, and looks meanwhile whether an answer comes (send(2), poll(2)). The framework's socket can do the one or the other; and of a send that ended
/// half-way it doesn't say how much was sent.
/// </summary>
internal static class Sending
{
    private const int DontWait = 0x40;
    private const int NoSignal = 0x4000;
    private const short Readable = 1;
    private const short Writable = 4;
    private const int Interrupted = 4;
    private const int WouldBlock = 11;

    /// <returns>False: something can be read, or the connection has ended, before all of it was taken.</returns>
    /// <exception cref="RequestFailedException">Nothing was taken for that long.</exception>
    public static bool TrySend(Socket socket, ReadOnlySpan<byte> bytes, TimeSpan timeout)
    {
        var descriptor = (int)socket.SafeHandle.DangerousGetHandle();
        while (bytes.Length > 0)
        {
            var sent = Send(descriptor, in MemoryMarshal.GetReference(bytes), bytes.Length, DontWait | NoSignal);
            if (sent >= 0)
            {
                bytes = bytes[(int)sent..];
                continue;
            }
            switch (Marshal.GetLastPInvokeError())
            {
                case Interrupted:
                    continue;
                case WouldBlock:
                    break;
                default:
                    // Whoever reads next learns how it ended, or what was said before.
                    return false;
            }
            var wait = new Descriptor { Number = descriptor, Asked = Readable | Writable };
            var ready = Wait(ref wait, 1, (int)timeout.TotalMilliseconds);
            if (ready == 0)
                throw new RequestFailedException("timeout");
            if (ready > 0 && (wait.Found & Readable) != 0)
                return false;
        }
        return true;
    }

    [DllImport("libc", EntryPoint = "send", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint Send(int descriptor, in byte bytes, nint count, int flags);

    [DllImport("libc", EntryPoint = "poll", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Wait(ref Descriptor descriptors, nuint count, int timeoutMilliseconds);

    [StructLayout(LayoutKind.Sequential)]
    private struct Descriptor
    {
        public int Number;
        public short Asked;
        public short Found;
    }
}
