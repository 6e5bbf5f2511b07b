using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Holdfast.Bench.Loops;

/// <summary>
/// Waits for any of a thread's sockets with epoll(7). The framework's asynchronous sockets hand every answer to the
/// thread pool, which costs the generator more than the request itself; its Select rounds waits to a millisecond.
/// </summary>
internal sealed class Poll : IDisposable
{
    private const int Add = 1;
    private const int Readable = 1;
    private const int Interrupted = 4;

    // struct epoll_event is packed on x86-64 only: events, then eight bytes of data behind padding or not.
    private static readonly int Stride = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 3 : 4;

    private readonly int[] _events;
    private readonly int[] _added = new int[Stride];
    private readonly SafeSocketHandle _epoll;

    public Poll(int count)
    {
        _events = new int[count * Stride];
        _epoll = new SafeSocketHandle(Checked(Create(0)), ownsHandle: true);
    }

    /// <summary>Watches a socket until it is closed.</summary>
    /// <param name="index">What <see cref="Ready"/> says when it has bytes, an end or an error to be read.</param>
    public void Watch(int index, Socket socket)
    {
        _added[0] = Readable;
        _added[Stride - 2] = index;
        Checked(Control((int)_epoll.DangerousGetHandle(), Add, (int)socket.SafeHandle.DangerousGetHandle(), _added));
    }

    /// <returns>How many sockets are ready; 0 when none became so in time.</returns>
    public int Wait(long nanoseconds)
    {
        var timeout = new Time { Seconds = (nint)(nanoseconds / 1_000_000_000), Nanoseconds = (nint)(nanoseconds % 1_000_000_000) };
        var ready = NativeWait((int)_epoll.DangerousGetHandle(), _events, _events.Length / Stride, in timeout, 0);
        return ready < 0 && Marshal.GetLastPInvokeError() == Interrupted ? 0 : Checked(ready);
    }

    /// <returns>The index that the socket was watched with.</returns>
    public int Ready(int position) => _events[(position * Stride) + Stride - 2];

    public void Dispose() => _epoll.Dispose();

    private static int Checked(int result) =>
        result >= 0 ? result : throw new InvalidOperationException($"epoll failed with error {Marshal.GetLastPInvokeError()}");

    [DllImport("libc", EntryPoint = "epoll_create1", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Create(int flags);

    [DllImport("libc", EntryPoint = "epoll_ctl", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Control(int epoll, int operation, int descriptor, int[] added);

    [DllImport("libc", EntryPoint = "epoll_pwait2", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int NativeWait(int epoll, [In, Out] int[] events, int count, in Time timeout, nint signals);

    [StructLayout(LayoutKind.Sequential)]
    private struct Time
    {
        public nint Seconds;
        public nint Nanoseconds;
    }
}
