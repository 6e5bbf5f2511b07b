using System.Reflection;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Holdfast.Server.Auth;

/// <summary>Password hashes of the kind that <c>htpasswd -B</c> writes, made and checked by libxcrypt (crypt(3), crypt(5) "bcrypt").</summary>
public static partial class Bcrypt
{
    /// <summary>The logarithm of the rounds that <c>holdfast user add</c> takes; about 50 ms a hash.</summary>
    public const int DefaultCost = 10;

    public const int MinCost = 4;

    /// <summary>Above it a single login would keep a processor busy for more than some seconds.</summary>
    public const int MaxCost = 16;

    /// <summary>Bytes of a password that take part in the hash; bcrypt ignores what follows.</summary>
    public const int MaxPasswordBytes = 72;

    private const string Library = "libcrypt.so.1";

    // "$2y$10$", 22 characters of salt, 31 of hash.
    private const int HashLength = 60;

    // sizeof(struct crypt_data) in libxcrypt, kept the same for the sake of old programs.
    private const int ScratchBytes = 32768;

    // CRYPT_MAX_PASSPHRASE_SIZE: more is refused by the library.
    private const int MaxPhraseBytes = 511;

    /// <summary>What is missing on this machine, and how to get it; null if nothing is.</summary>
    public static string? MissingLibrary { get; } =
        NativeLibrary.TryLoad(Library, Assembly.GetExecutingAssembly(), null, out var handle)
        && NativeLibrary.TryGetExport(handle, "crypt_rn", out _)
            ? null
            : $"{Library} (libxcrypt) is not installed; it checks the passwords: apt-get install libcrypt1";

    /// <summary>Is this a hash that <see cref="Verify"/> can check: $2a$, $2b$ or $2y$, a cost of two digits, 53 characters?</summary>
    /// <param name="cost">The logarithm of the rounds, as it stands in the hash, even if out of bounds.</param>
    public static bool TryReadCost(ReadOnlySpan<char> hash, out int cost)
    {
        cost = 0;
        if (hash.Length != HashLength || hash[..2] is not "$2" || hash[2] is not ('a' or 'b' or 'y') || hash[3] != '$' || hash[6] != '$')
            return false;
        if (!char.IsAsciiDigit(hash[4]) || !char.IsAsciiDigit(hash[5]))
            return false;
        cost = ((hash[4] - '0') * 10) + (hash[5] - '0');
        foreach (var c in hash[7..])
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('.' or '/'))
                return false;
        }
        return true;
    }

    /// <summary>Hashes a password as <c>$2y$</c>, with a new salt.</summary>
    /// <exception cref="ArgumentException">The password is empty, longer than <see cref="MaxPasswordBytes"/> or holds a NUL.</exception>
    public static string Hash(ReadOnlySpan<byte> password, int cost = DefaultCost)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(cost, MinCost);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(cost, MaxCost);
        if (password.IsEmpty || password.Length > MaxPasswordBytes || password.Contains((byte)0))
            throw new ArgumentException("not a password that bcrypt can hash whole", nameof(password));
        return Crypt(password, NewSetting(cost)) ?? throw new InvalidOperationException("crypt_rn refused a bcrypt setting that it had made");
    }

    /// <summary>Does the password belong to the hash? Takes as long as the hash's cost asks for, whatever the answer.</summary>
    public static bool Verify(ReadOnlySpan<byte> password, string hash)
    {
        // A NUL would end the C string early, so that "right\0wrong" would pass.
        if (password.Length > MaxPhraseBytes || password.Contains((byte)0))
            return false;
        var computed = Crypt(password, hash);
        return computed is not null
            && CryptographicOperations.FixedTimeEquals(MemoryMarshal.AsBytes(computed.AsSpan()), MemoryMarshal.AsBytes(hash.AsSpan()));
    }

    private static unsafe string NewSetting(int cost)
    {
        Span<byte> random = stackalloc byte[16];
        RandomNumberGenerator.Fill(random);
        Span<byte> setting = stackalloc byte[192];
        fixed (byte* prefix = "$2y$\0"u8, bytes = random, output = setting)
        {
            if (CryptGensalt(prefix, new CULong((uint)cost), bytes, random.Length, output, setting.Length) is null)
                throw new InvalidOperationException("crypt_gensalt_rn made no bcrypt setting");
        }
        return Encoding.ASCII.GetString(setting[..setting.IndexOf((byte)0)]);
    }

    private static unsafe string? Crypt(ReadOnlySpan<byte> password, string setting)
    {
        if (MissingLibrary is not null)
            throw new InvalidOperationException(MissingLibrary);
        Span<byte> phrase = stackalloc byte[MaxPhraseBytes + 1];
        Span<byte> settingBytes = stackalloc byte[HashLength + 1];
        phrase.Clear();
        settingBytes.Clear();
        password.CopyTo(phrase);
        Encoding.ASCII.GetBytes(setting, settingBytes[..^1]);
        // Outside of the collected heap: it never moves, and no copy of the password stays behind in it.
        var scratch = (byte*)NativeMemory.AllocZeroed(ScratchBytes);
        try
        {
            fixed (byte* phrasePointer = phrase, settingPointer = settingBytes)
            {
                var output = CryptRn(phrasePointer, settingPointer, scratch, ScratchBytes);
                return output is null ? null : Marshal.PtrToStringUTF8((nint)output);
            }
        }
        finally
        {
            CryptographicOperations.ZeroMemory(phrase);
            CryptographicOperations.ZeroMemory(new Span<byte>(scratch, ScratchBytes));
            NativeMemory.Free(scratch);
        }
    }

    [LibraryImport(Library, EntryPoint = "crypt_rn")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static unsafe partial byte* CryptRn(byte* phrase, byte* setting, byte* data, int size);

    [LibraryImport(Library, EntryPoint = "crypt_gensalt_rn")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static unsafe partial byte* CryptGensalt(byte* prefix, CULong count, byte* random, int randomLength, byte* output, int outputSize);
}
