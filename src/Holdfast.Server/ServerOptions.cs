using System.Net;
using Holdfast.Server.Auth;

namespace Holdfast.Server;

/// <summary>Everything that a server is told; made from the configuration, complete and valid.</summary>
public sealed record ServerOptions
{
    public required IReadOnlyList<ListenerOptions> Listeners { get; init; }

    public required IReadOnlyList<RegistryOptions> Registries { get; init; }

    public AllCachesOptions Caches { get; init; } = new();

    public UploadOptions Uploads { get; init; } = new();

    public LimitOptions Limits { get; init; } = new();

    /// <summary>Free bytes below which pushes get 507 (P10).</summary>
    public long DiskReserveBytes { get; init; } = 1L << 30;

    /// <summary>How long running transfers may go on after a stop was asked for.</summary>
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Addresses whose X-Forwarded-* headers are believed.</summary>
    public IReadOnlyList<IPNetwork> TrustedProxies { get; init; } = [];

    public AccessLogOptions AccessLog { get; init; } = new();

    public CollectionOptions Collection { get; init; } = new();

    public TrashOptions Trash { get; init; } = new();

    public ScrubOptions Scrub { get; init; } = new();

    public HealOptions Heal { get; init; } = new();

    public SelfProbeOptions Probe { get; init; } = new();

    /// <summary>The first rule whose patterns fit a repository holds for it; without any, nothing is ever removed.</summary>
    public IReadOnlyList<RetentionOptions> Retention { get; init; } = [];

    /// <summary>Unix socket of local administration, guarded by its file permissions; null: none.</summary>
    public string? AdminSocket { get; init; }

    /// <summary>Where the key of the token endpoint is kept, made at the first start; null: a key of this process alone.</summary>
    public string? TokenKeyFile { get; init; }
}

/// <summary>One address to listen on.</summary>
public sealed record ListenerOptions
{
    /// <summary>Instead of a registry's name: every cache, chosen by the query parameter <c>ns</c>.</summary>
    public const string EveryCache = "*";

    /// <summary>http or https, an IP address (or localhost) and a port; port 0 takes a free one.</summary>
    public required Uri Url { get; init; }

    /// <summary>The registry it serves, or <see cref="EveryCache"/>.</summary>
    public required string Registry { get; init; }

    public bool ServesEveryCache => Registry == EveryCache;

    /// <summary>PEM files, re-read when they change; required for https.</summary>
    public TlsOptions? Tls { get; init; }
}

public sealed record TlsOptions(string CertificateFile, string KeyFile);

public sealed record RegistryOptions
{
    public required string Name { get; init; }

    /// <summary>Null: an open registry, where everyone may pull, push and delete.</summary>
    public AuthOptions? Auth { get; init; }

    /// <summary>Null: a hosted registry, to which clients push.</summary>
    public CacheOptions? Cache { get; init; }
}

public sealed record UploadOptions
{
    /// <summary>Sessions that were not touched for this long are removed.</summary>
    public TimeSpan MaxAge { get; init; } = TimeSpan.FromHours(24);

    /// <summary>Open sessions, all registries together; one more is refused with 429.</summary>
    public int MaxOpen { get; init; } = 10_000;
}

public sealed record LimitOptions
{
    /// <summary>Connections, all listeners together.</summary>
    public int Connections { get; init; } = 10_000;

    /// <summary>Bytes of manifests kept in memory.</summary>
    public long ManifestCacheBytes { get; init; } = 32L << 20;
}

public sealed record AccessLogOptions
{
    public bool Enabled { get; init; } = true;

    /// <summary>Lines; what comes beyond is counted and dropped (P10).</summary>
    public int MaxLinesPerSecond { get; init; } = 1_000;

    /// <summary>One JSON object per line instead of words for people.</summary>
    public bool Json { get; init; }

    /// <summary>Where lines go; null: standard output. Only whole lines are written to it, many in one call.</summary>
    public TextWriter? Sink { get; init; }
}
