using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Holdfast.Commands;

/// <summary>
/// Reads a line that the terminal doesn't show. The console class hides keys only while it waits for one, so that what is typed quickly, or pasted, is
/// shown; here the terminal itself is told (termios(3)).
/// </summary>
internal static partial class Terminal
{
    // struct termios of glibc and musl on every 64-bit Linux: four flag words, of which the last is c_lflag, within 60 bytes.
    private const int StructBytes = 64;
    private const int LocalFlags = 12;
    private const uint Echo = 0x8;
    private const int AfterFlush = 2;

    /// <param name="ask">Writes the question, once the terminal hides the answer; what was typed before that is dropped.</param>
    /// <returns>What was typed before Enter.</returns>
    public static string ReadHiddenLine(Action ask)
    {
        var shown = new byte[StructBytes];
        if (tcgetattr(0, shown) != 0)
            throw new InvalidDataException("the terminal can't be told to hide the password: give --password-stdin or --password-file F");
        var hidden = (byte[])shown.Clone();
        BitConverter.TryWriteBytes(hidden.AsSpan(LocalFlags), BitConverter.ToUInt32(shown, LocalFlags) & ~Echo);
        // Also if somebody gives up here, the terminal must show again what is typed.
        using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, _ => tcsetattr(0, AfterFlush, shown));
        if (tcsetattr(0, AfterFlush, hidden) != 0)
            throw new InvalidDataException("the terminal can't be told to hide the password: give --password-stdin or --password-file F");
        try
        {
            ask();
            return ReadLine();
        }
        finally
        {
            _ = tcsetattr(0, AfterFlush, shown);
        }
    }

    // The terminal edits the line itself and gives it whole, at Enter.
    private static string ReadLine()
    {
        using var input = new FileStream(new SafeFileHandle(0, ownsHandle: false), FileAccess.Read, bufferSize: 0);
        var line = new MemoryStream();
        while (input.ReadByte() is var next and not -1 and not '\n')
            line.WriteByte((byte)next);
        return Encoding.UTF8.GetString(line.ToArray());
    }

    [LibraryImport("libc")]
    private static partial int tcgetattr(int descriptor, [Out] byte[] state);

    [LibraryImport("libc")]
    private static partial int tcsetattr(int descriptor, int when, byte[] state);
}
