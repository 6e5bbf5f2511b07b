namespace Holdfast.Registry2;

/// <summary>A registry:2 as it stands in the new configuration.</summary>
/// <param name="Name">Under `registries`.</param>
internal sealed record MovedRegistry(string Name)
{
    public required MovedListener Listener { get; init; }

    public required MovedAccess Access { get; init; }

    /// <summary>Null for a hosted registry.</summary>
    public MovedUpstream? Upstream { get; init; }

    /// <summary>The folder with its images; null if another driver has them.</summary>
    public string? Root { get; init; }

    public required MovedWhole Whole { get; init; }
}

/// <param name="Host">As a listener's URL has it; <paramref name="Port"/> apart, since two registries may have had the same one, each on its own address.</param>
internal sealed record MovedListener(string Host, int Port)
{
    public string? Certificate { get; init; }

    public string? Key { get; init; }

    public bool IsHttps => Certificate is not null;
}

/// <summary>Who may come in.</summary>
/// <param name="Htpasswd">The old file; null if there is none, or none that can be read.</param>
internal sealed record MovedAccess(bool IsOpen, string? Htpasswd)
{
    /// <summary>Null: everything, for every user.</summary>
    public IReadOnlyList<string>? Actions { get; init; }

    public bool AnonymousPull { get; init; }
}

/// <param name="Namespace">As containerd names it to a mirror.</param>
/// <param name="Password">Is written into a file of its own.</param>
internal sealed record MovedUpstream(string Url, string Namespace, string? Username, string? Password);

/// <summary>What one registry says of things that a Holdfast has once; null where it says nothing.</summary>
internal sealed record MovedWhole
{
    public TimeSpan? UploadAge { get; init; }

    public TimeSpan? Drain { get; init; }

    public string? LogLevel { get; init; }

    public string? LogFormat { get; init; }

    public bool AccessLog { get; init; } = true;
}
