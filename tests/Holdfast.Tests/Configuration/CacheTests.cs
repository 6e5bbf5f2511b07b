using Holdfast.Configuration;
using Holdfast.Server;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Configuration;

public sealed class CacheTests(ConfigurationFolder folder) : IClassFixture<ConfigurationFolder>
{
    private const string Yaml = """
        listeners:
          - { url: "http://127.0.0.1:5001", registry: hub }
          - { url: "http://127.0.0.1:5009", registry: "*" }
        registries:
          hub:
            kind: cache
            upstream:
              urls: ["https://mirror.example:8443/hub", "https://registry-1.docker.io"]
              username: me
              passwordFile: password
              ca: tls.pem
              privateRedirects: true
              connectTimeout: 1s
              answerTimeout: 2s
              stallTimeout: 3s
              connections: 7
            tags: { revalidateAfter: 5m, serveStaleFor: 1d, keepVanished: true }
            size: { max: 2GiB }
            pin: ["library/alpine:3.*", "org/**"]
            prefetch: { platforms: [linux/amd64, linux/arm/v7] }
            fetch: { finish: 1MiB }
          inner:
            kind: cache
            auth: { htpasswd: users }
            access: [ { users: [ci], repositories: ["**"], actions: [pull] } ]
            upstream: { url: "http://Registry.example:5000", insecure: true }
        caches: { size: { max: 3GiB } }
        """;

    [Fact]
    public void Load_EveryKeyOfACache_ReachesItsOption()
    {
        var server = LoadFine(Yaml).Server;
        server.Caches.MaxBytes.ShouldBe(3L << 30);
        server.Listeners.Select(l => (l.Registry, l.ServesEveryCache)).ShouldBe([("hub", false), ("*", true)]);
        var cache = server.Registries[0].Cache!;
        var upstream = cache.Upstream;
        upstream.Urls.Select(u => u.AbsoluteUri).ShouldBe(["https://mirror.example:8443/hub", "https://registry-1.docker.io/"]);
        (upstream.Namespace, upstream.Username, upstream.PasswordFile, upstream.TrustFile)
            .ShouldBe(("docker.io", "me", Path.Combine(folder.Path, "password"), Path.Combine(folder.Path, "tls.pem")));
        (upstream.Insecure, upstream.PrivateRedirects, upstream.MaxConnections).ShouldBe((false, true, 7));
        (upstream.ConnectTimeout, upstream.AnswerTimeout, upstream.StallTimeout).ShouldBe((TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(3)));
        cache.Tags.ShouldBe(new TagTruthOptions { RevalidateAfter = TimeSpan.FromMinutes(5), ServeStaleFor = TimeSpan.FromDays(1), KeepVanished = true });
        (cache.MaxBytes, cache.FinishBytes).ShouldBe((2L << 30, 1L << 20));
        cache.Pins.ShouldBe(["library/alpine:3.*", "org/**"]);
        cache.PrefetchPlatforms.ShouldBe(["linux/amd64", "linux/arm/v7"]);
        var inner = server.Registries[1];
        inner.Auth.ShouldNotBeNull();
        (inner.Cache!.Upstream.Namespace, inner.Cache.Upstream.Insecure).ShouldBe(("registry.example:5000", true));
    }

    /// <summary>The defaults that the reference shows are those of a server.</summary>
    [Fact]
    public void Load_CacheWithItsUpstreamAlone_HasTheDefaultsOfTheReference()
    {
        var cache = LoadFine("registries: { hub: { kind: cache, upstream: { url: \"https://ghcr.io\" } } }").Server.Registries[0].Cache!;
        (cache.MaxBytes, cache.Pins.Count, cache.PrefetchPlatforms.Count, cache.Tags, cache.Upstream.PrivateRedirects).ShouldBe((null, 0, 0, new TagTruthOptions(), null));
        foreach (var (path, value) in new[]
        {
            ("upstream.connectTimeout", Quantity.Format(cache.Upstream.ConnectTimeout)), ("upstream.answerTimeout", Quantity.Format(cache.Upstream.AnswerTimeout)),
            ("upstream.stallTimeout", Quantity.Format(cache.Upstream.StallTimeout)), ("upstream.connections", cache.Upstream.MaxConnections.ToString()),
            ("tags.revalidateAfter", Quantity.Format(cache.Tags.RevalidateAfter)), ("tags.serveStaleFor", $"{cache.Tags.ServeStaleFor.Days}d"),
            ("fetch.finish", Quantity.Format(cache.FinishBytes)),
        })
        {
            Schema.Keys.First(k => k.Path == "registries.<name>." + path).Key.Default.ShouldBe(value, path);
        }
    }

    [Theory]
    [InlineData("https://registry-1.docker.io", "docker.io")]
    [InlineData("https://index.docker.io/", "docker.io")]
    [InlineData("https://GHCR.io", "ghcr.io")]
    [InlineData("https://registry.example:443", "registry.example")]
    [InlineData("https://registry.example:5000/mirror", "registry.example:5000")]
    [InlineData("http://127.0.0.1:5100", "127.0.0.1:5100")]
    [InlineData("http://[::1]:5100", "[::1]:5100")]
    public void Namespace_NotGiven_IsTheHostAsImagesNameIt(string url, string expected) =>
        LoadFine($"registries: {{ c: {{ kind: cache, upstream: {{ url: \"{url}\" }} }} }}").Server.Registries[0].Cache!.Upstream.Namespace.ShouldBe(expected);

    [Fact]
    public void Report_OfCaches_SaysWhatTheyAreFilledFromAndKeep()
    {
        using var output = new StringWriter();
        ConfigurationReport.Write(folder.Load(Yaml), output);
        var lines = output.ToString();
        lines.ShouldContain("  http://127.0.0.1:5001 serves cache hub (open: no users)\n");
        lines.ShouldContain("  http://127.0.0.1:5009 serves every cache, chosen by ?ns=:\n    docker.io: hub (open: no users)\n    registry.example:5000: inner (users of ");
        lines.ShouldContain("  cache hub of docker.io: from https://mirror.example:8443/hub, then https://registry-1.docker.io as me; tags are asked for again after 5m and served for 24h while the upstream is away; at most 2GiB; library/alpine:3.* org/** always stay; whole for linux/amd64 linux/arm/v7\n");
        lines.ShouldContain("  all caches together: at most 3GiB\n");
    }

    [Fact]
    public void Note_OpenCacheBeyondLoopback_SaysWhoseRightsEveryoneHas()
    {
        const string Open = "listeners: [ { url: \"http://0.0.0.0:5001\", registry: \"*\" } ]\nregistries: { hub: { kind: cache, auth: none, upstream: { url: \"https://ghcr.io\", username: me, passwordFile: password } } }";
        LoadFine(Open).Notes.ShouldBe(["http://0.0.0.0:5001 serves cache hub to everyone who can reach it: anyone may pull what me may pull of ghcr.io"]);
        var unsaid = folder.Load(Open.Replace("auth: none, ", "", StringComparison.Ordinal));
        ConfigurationFolder.Lines(unsaid).ShouldHaveSingleItem().ShouldContain("is reachable by others, and registry hub has no users");
    }

    private HoldfastConfiguration LoadFine(string yaml)
    {
        var result = folder.Load(yaml);
        ConfigurationFolder.Lines(result).ShouldBeEmpty();
        return result.Configuration!;
    }
}
