namespace Holdfast.Server;

/// <summary>What makes a registry a cache: where it is filled from, and what stays in it.</summary>
public sealed record CacheOptions
{
    public required UpstreamOptions Upstream { get; init; }

    public TagTruthOptions Tags { get; init; } = new();

    /// <summary>Bytes of this cache's content; null: bounded by all caches' limit and the disk's reserve alone.</summary>
    public long? MaxBytes { get; init; }

    /// <summary>What always stays and is kept fresh: a pattern of repositories, and after a colon one of tags; without one, every tag.</summary>
    public IReadOnlyList<string> Pins { get; init; } = [];

    /// <summary>os/architecture[/variant], whose part of a pulled image is fetched whole; none: nothing is fetched that nobody asked for.</summary>
    public IReadOnlyList<string> PrefetchPlatforms { get; init; } = [];

    /// <summary>Bytes of a blob that are still fetched for nobody after the last client has left.</summary>
    public long FinishBytes { get; init; } = 1L << 30;
}

/// <summary>The registry that a cache is filled from.</summary>
public sealed record UpstreamOptions
{
    /// <summary>Tried in order; the last one is the origin, whose word counts that something isn't there.</summary>
    public required IReadOnlyList<Uri> Urls { get; init; }

    /// <summary>Under which name clients know it: host, or host:port, in lower case; containerd sends it as <c>ns</c>.</summary>
    public required string Namespace { get; init; }

    public string? Username { get; init; }

    public string? PasswordFile { get; init; }

    /// <summary>PEM file with certificates that are trusted beside the system's.</summary>
    public string? TrustFile { get; init; }

    /// <summary>Plain http beyond loopback was asked for.</summary>
    public bool Insecure { get; init; }

    /// <summary>May redirects lead to private, loopback or link-local addresses? Null: only if the upstream's own address is one.</summary>
    public bool? PrivateRedirects { get; init; }

    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>From the request to the answer's first byte.</summary>
    public TimeSpan AnswerTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>A body that brings nothing for so long is broken.</summary>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Connections to each of the URLs.</summary>
    public int MaxConnections { get; init; } = 64;
}

/// <summary>How far a cache's tags may be behind the upstream's.</summary>
public sealed record TagTruthOptions
{
    /// <summary>A tag that was asked for so recently isn't asked for again; zero: each pull asks.</summary>
    public TimeSpan RevalidateAfter { get; init; } = TimeSpan.Zero;

    /// <summary>How long the last known digest is served, marked, while the upstream gives no answer.</summary>
    public TimeSpan ServeStaleFor { get; init; } = TimeSpan.FromDays(30);

    /// <summary>Is a tag that is gone upstream still served, marked? Its image can be pulled by digest either way.</summary>
    public bool KeepVanished { get; init; }
}

/// <summary>What holds for all caches together.</summary>
public sealed record AllCachesOptions
{
    /// <summary>Bytes; null: bounded by each cache's own limit and the disk's reserve alone.</summary>
    public long? MaxBytes { get; init; }
}
