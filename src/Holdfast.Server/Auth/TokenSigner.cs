using System.Security.Cryptography;
using Microsoft.IdentityModel.Tokens;

namespace Holdfast.Server.Auth;

/// <summary>The key of this data folder's tokens (HS256: who issues them is who reads them, so no second party needs a public key).</summary>
public sealed class TokenSigner
{
    private const int KeyBytes = 32;

    private const UnixFileMode OthersBits =
        UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    private readonly byte[] _key;

    internal TokenSigner(byte[] key) => _key = key;

    // Made when it is asked for: a server without users never loads what tokens need.
    internal SymmetricSecurityKey Key => field ??= new SymmetricSecurityKey(_key) { KeyId = "1" };

    /// <summary>Reads the key, or makes one if there is none.</summary>
    /// <exception cref="InvalidDataException">The file is no key, or others than its owner may read it.</exception>
    public static TokenSigner LoadOrCreate(string path)
    {
        if (!File.Exists(path))
            AtomicFile.Write(path, RandomNumberGenerator.GetBytes(KeyBytes), like: null);
        var mode = File.GetUnixFileMode(path);
        if ((mode & OthersBits) != 0)
            throw new InvalidDataException($"{path}: others may read or write the key of the tokens: chmod 600 {path}");
        if (new FileInfo(path).Length != KeyBytes)
            throw new InvalidDataException($"{path}: not a key of {KeyBytes} bytes; remove it to get a new one (clients then log in again)");
        return new TokenSigner(File.ReadAllBytes(path));
    }

    /// <summary>A key that ends with the process.</summary>
    public static TokenSigner CreateEphemeral() => new(RandomNumberGenerator.GetBytes(KeyBytes));
}
