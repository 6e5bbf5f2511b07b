namespace Holdfast.Client;

/// <summary>Which registry, who asks, and how long is waited. No record: its text would hold the password.</summary>
public sealed class RegistryClientOptions
{
    /// <summary>http or https; a path is put before repository names.</summary>
    public required Uri Registry { get; init; }

    /// <summary>Null: nobody.</summary>
    public string? Username { get; init; }

    public string? Password { get; init; }

    /// <summary>A PEM file of authorities that are trusted beside those of the machine.</summary>
    public string? TrustFile { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>For the connection and its TLS handshake, each.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Without any byte for this long, the connection is given up; the wait for an answer's head counts too.</summary>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>For all of a manifest, a token or a page of a list, so that a drip of bytes can't hold a caller for ever.</summary>
    public TimeSpan DocumentTimeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>How often a blob's broken transfer is taken up again without a mebibyte of progress in between.</summary>
    public int MaxResumes { get; init; } = 5;

    /// <summary>Before the first of these; each next wait is twice as long, up to 30 seconds.</summary>
    public TimeSpan ResumeDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>At once, to one host.</summary>
    public int MaxConnections { get; init; } = 16;
}
