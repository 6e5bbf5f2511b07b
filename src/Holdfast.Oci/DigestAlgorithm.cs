namespace Holdfast.Oci;

/// <summary>The algorithms that image-spec v1.1 registers and this registry accepts (descriptor.md, "Registered Algorithms").</summary>
public enum DigestAlgorithm
{
    Sha256 = 1,
    Sha512 = 2,
}

public static class DigestAlgorithms
{
    /// <summary>The algorithm's name as it stands before the colon of a digest.</summary>
    public static string Name(this DigestAlgorithm algorithm) => algorithm switch
    {
        DigestAlgorithm.Sha256 => "sha256",
        DigestAlgorithm.Sha512 => "sha512",
        _ => throw new ArgumentOutOfRangeException(nameof(algorithm), algorithm, "not a registered algorithm"),
    };

    /// <summary>Size of the hash in bytes.</summary>
    public static int SizeBytes(this DigestAlgorithm algorithm) => algorithm switch
    {
        DigestAlgorithm.Sha256 => 32,
        DigestAlgorithm.Sha512 => 64,
        _ => throw new ArgumentOutOfRangeException(nameof(algorithm), algorithm, "not a registered algorithm"),
    };

    /// <summary>Reads an algorithm's name, as in <c>?digest-algorithm=sha512</c> (dist-spec dev, end-4c).</summary>
    public static bool TryParse(ReadOnlySpan<char> name, out DigestAlgorithm algorithm)
    {
        algorithm = name switch
        {
            "sha256" => DigestAlgorithm.Sha256,
            "sha512" => DigestAlgorithm.Sha512,
            _ => default,
        };
        return algorithm != default;
    }
}
