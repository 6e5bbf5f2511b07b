namespace Holdfast.Configuration;

/// <summary>The keys of caches.</summary>
internal static class CacheSchema
{
    private static readonly TimeSpan TenYears = TimeSpan.FromDays(3650);
    private static readonly Value Url = new("URL", CacheValueFaults.UpstreamUrl);
    private static readonly Value Path = new("path", ValueFaults.Path);
    private static readonly Value Boolean = new("true or false", ValueFaults.Boolean);
    private static readonly Value CacheSize = ValueFaults.SizeBetween(1L << 20, long.MaxValue);
    private static readonly Value Timeout = ValueFaults.DurationBetween(TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10));

    private static readonly Group Upstream = new(
        new Key("url", Url, "Where the cache is filled from; a path in it is put before repositories' names.") { Foreign = ["remoteurl", "host", "server"] },
        new Key("urls", new Items(Url, "names no upstream"), "Instead of url: mirrors, tried in order, the registry itself last."),
        new Key("namespace", new Value("host or host:port", CacheValueFaults.Namespace), "The name by which clients know the registry, which containerd sends as ?ns=.", "the last URL's host; docker.io for Docker Hub") { Foreign = ["ns"] },
        new Key("username", new Value("text", ValueFaults.Text), "Who to log in as there.") { Foreign = ["user"] },
        new Key("passwordFile", Path, "File with the password or access token, which goes with username.") { Foreign = ["password"] },
        new Key("ca", Path, "PEM file with certificates that are trusted beside the system's.") { Foreign = ["cacert", "rootCA"] },
        new Key("insecure", Boolean, "Allows plain http beyond loopback.", "false"),
        new Key("privateRedirects", Boolean, "May redirects lead to private, loopback or link-local addresses?", "only if the upstream's own address is one"),
        new Key("connectTimeout", Timeout, "For a connection.", "5s"),
        new Key("answerTimeout", Timeout, "From the request to the answer's first byte.", "10s"),
        new Key("stallTimeout", Timeout, "A transfer that brings nothing for so long is broken, and resumed.", "30s"),
        new Key("connections", ValueFaults.NumberBetween(1, 10_000), "Connections to each URL at most.", "64"))
    {
        IfEmpty = "needs a url, such as https://registry-1.docker.io",
    };

    private static readonly Group Tags = new(
        new Key("revalidateAfter", ValueFaults.DurationBetween(TimeSpan.Zero, TenYears), "A tag is asked for upstream again after so long; 0s: at each pull.", "0s") { Foreign = ["ttl"] },
        new Key("serveStaleFor", ValueFaults.DurationBetween(TimeSpan.Zero, TenYears), "How long the last known digest is served, with a warning, while the upstream gives no answer; 0s: not at all.", "30d"),
        new Key("keepVanished", Boolean, "Serve a tag that is gone upstream, with a warning? Its image can be pulled by digest either way.", "false"));

    /// <summary>The keys of a registry of the kind cache.</summary>
    public static IEnumerable<Key> RegistryKeys { get; } =
    [
        new("upstream", Upstream, "For a cache: the registry that it is filled from.") { Foreign = ["proxy"] },
        new("tags", Tags, "For a cache: how far tags may be behind."),
        new("size", new Group(
            new Key("max", CacheSize, "Beyond this, what was not used for the longest goes, whole images first. Left out: no limit of its own.") { Foreign = ["limit"] }), "For a cache: its size."),
        new("pin", new Items(new Value("pin", CacheValueFaults.Pin)), "For a cache: what always stays, and is kept fresh: patterns of repositories, after a colon one of tags (library/alpine:3.*); without a colon every tag that is there.", "[]") { Foreign = ["pins", "pinned"] },
        new("prefetch", new Group(
            new Key("platforms", new Items(new Value("platform", CacheValueFaults.Platform)), "Of an image that was pulled, all of these platforms is fetched: linux/amd64, linux/arm64.", "[]")), "For a cache: fetching what nobody asked for yet."),
        new("fetch", new Group(
            new Key("finish", ValueFaults.SizeBetween(0, long.MaxValue), "How much of a blob is still fetched after the last client has left.", "1GiB")), "For a cache: fetching."),
    ];

    /// <summary>The keys of all caches together.</summary>
    public static Key Root { get; } = new("caches", new Group(
        new Key("size", new Group(
            new Key("max", CacheSize, "What all caches may hold together. Left out: no limit.")), "Size of all caches.")), "All caches together.");
}
