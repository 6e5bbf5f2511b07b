using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Holdfast.Load.Run;

/// <summary>
/// Waits for any of a thread's sockets with ppoll(2). The framework's asynchronous sockets hand every answer to the
/// thread pool, which costs the generator more than the request itself; its Select rounds waits up to a millisecond.
/// </summary>
internal sealed class Poll(int count)
{
    private const short Readable = 1;
    private const int Interrupted = 4;

    private readonly Entry[] _entries = new Entry[count];

    /// <param name="socket">Null to leave the place empty.</param>
    public void Watch(int index, Socket? socket) =>
        _entries[index] = new Entry { Descriptor = socket is null ? -1 : (int)socket.SafeHandle.DangerousGetHandle(), Events = Readable };

    /// <summary>True when the socket has bytes, an end or an error to be read.</summary>
    public bool IsReady(int index) => _entries[index].Ready != 0;

    /// <returns>False when nothing became ready in time.</returns>
    public bool Wait(long nanoseconds)
    {
        var timeout = new Time { Seconds = (nint)(nanoseconds / 1_000_000_000), Nanoseconds = (nint)(nanoseconds % 1_000_000_000) };
        var ready = NativePoll(_entries, (nuint)_entries.Length, in timeout, 0);
        if (ready >= 0)
            return ready > 0;

        var error = Marshal.GetLastPInvokeError();
        if (error != Interrupted)
            throw new InvalidOperationException($"ppoll failed with error {error}");
        foreach (ref var entry in _entries.AsSpan())
            entry.Ready = 0;
        return false;
    }

    [DllImport("libc", EntryPoint = "ppoll", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int NativePoll([In, Out] Entry[] entries, nuint count, in Time timeout, nint signals);

    [StructLayout(LayoutKind.Sequential)]
    private struct Entry
    {
        public int Descriptor;
        public short Events;
        public short Ready;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Time
    {
        public nint Seconds;
        public nint Nanoseconds;
    }
}
