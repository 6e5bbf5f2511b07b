using Holdfast.Configuration;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Configuration;

public sealed class CacheProblemTests(ConfigurationFolder folder) : IClassFixture<ConfigurationFolder>
{
    public static TheoryData<string, string> Upstreams => new()
    {
        { "{}", ".url: missing; write for example https://registry-1.docker.io" },
        { "~", ": is empty; needs a url, such as https://registry-1.docker.io" },
        { "{ username: me, passwordFile: password }", ".url: missing; write for example https://registry-1.docker.io" },
        { "{ url: ghcr.io }", ".url: 'ghcr.io' is a host, not a URL; write https://ghcr.io" },
        { "{ url: docker.io }", ".url: 'docker.io' is a host, not a URL; write https://registry-1.docker.io" },
        { "{ url: \"https://me:pw@ghcr.io\" }", ".url: has a user in it, which logs and errors would show; write username and passwordFile beside it" },
        { "{ url: \"https://ghcr.io?x=1\" }", ".url: 'https://ghcr.io?x=1' is not an http or https URL without user, query and fragment, such as https://ghcr.io" },
        { "{ url: \"https://ghcr.io/v2/\" }", ".url: 'https://ghcr.io/v2/' names the protocol's path; leave /v2 out" },
        { "{ url: \"https://docker.io\" }", ".url: 'https://docker.io' is a website; Docker Hub's registry is https://registry-1.docker.io" },
        { "{ url: \"http://registry.example\" }", ".url: 'http://registry.example' would be asked over plain http, where anyone on the way can read along and send something else; write https, or `insecure: true` beside it" },
        { "{ url: \"https://ghcr.io\", urls: [\"https://quay.io\"] }", ".urls: given beside url; put all of them into urls, in the order in which they are tried" },
        { "{ urls: [] }", ".urls: is empty; names no upstream" },
        { "{ url: \"https://ghcr.io\", namespace: \"https://ghcr.io\" }", ".namespace: 'https://ghcr.io' is a URL; write its host alone, such as ghcr.io" },
        { "{ url: \"https://ghcr.io\", namespace: ghcr.io/x }", ".namespace: 'ghcr.io/x' has a path; write the host alone, such as ghcr.io" },
        { "{ url: \"https://ghcr.io\", namespace: \"ghcr.io:70000\" }", ".namespace: 'ghcr.io:70000' is not a host or host:port, such as ghcr.io or registry.example:5000" },
        { "{ url: \"https://ghcr.io\", username: me }", ".passwordFile: missing; username needs the password, in a file" },
        { "{ url: \"https://ghcr.io\", passwordFile: password }", ".username: missing; say whose password passwordFile holds" },
        { "{ url: \"https://ghcr.io\", username: me, passwordFile: nope }", ".passwordFile: no file '{folder}/nope'" },
        { "{ url: \"https://ghcr.io\", username: me, passwordFile: nothing }", ".passwordFile: '{folder}/nothing' is empty; write the password into it" },
        { "{ url: \"https://ghcr.io\", username: me, passwordFile: users }", ".passwordFile: '{folder}/users' has more than one line; it holds the password alone" },
        { "{ url: \"https://ghcr.io\", ca: nope }", ".ca: no file '{folder}/nope'" },
        { "{ url: \"https://ghcr.io\", ca: users }", ".ca: '{folder}/users' has no certificate in it; a PEM file has -----BEGIN CERTIFICATE-----" },
        { "{ url: \"https://ghcr.io\", connectTimeout: 0s }", ".connectTimeout: '0s' is too short; at least 100ms" },
        { "{ url: \"https://ghcr.io\", insecur: true }", ".insecur: unknown key; did you mean registries.c.upstream.insecure?" },
    };

    public static TheoryData<string, string> Others => new()
    {
        { "tags: { ttl: 1h }", ".tags.ttl: unknown key; did you mean registries.c.tags.revalidateAfter?" },
        { "size: { max: 1 }", ".size.max: '1' is too small; at least 1MiB" },
        { "pin: library/alpine", ".pin: wants a list; write [library/alpine]" },
        { "pin: [\"Library/alpine\"]", ".pin[0]: 'Library/alpine' can't match: repository names have no capital letters" },
        { "pin: [\"library/alpine:\"]", ".pin[0]: 'library/alpine:' fits no tag: the pattern is empty; * stands for every tag" },
        { "pin: [\"library/alpine:3/4\"]", ".pin[0]: 'library/alpine:3/4' fits no tag: no tag has '/' in it; use a-z, A-Z, 0-9, . _ - and * ?" },
        { "pin: [\"library/alpine@sha256:00\"]", ".pin[0]: 'library/alpine@sha256:00' names a digest; a pin names tags: library/alpine:3.*" },
        { "prefetch: { platforms: [x86_64] }", ".prefetch.platforms[0]: 'x86_64' is not a platform of images; did you mean linux/amd64?" },
        { "prefetch: { platforms: [arm64] }", ".prefetch.platforms[0]: 'arm64' is an architecture; write linux/arm64" },
        { "prefetch: { platforms: [linux] }", ".prefetch.platforms[0]: 'linux' is not a platform; write os/architecture or os/architecture/variant: linux/amd64, linux/arm/v7" },
    };

    public static TheoryData<string, string> Wholes => new()
    {
        { "registries:\n  c: { kind: cache }", "h.yaml:2: registries.c.upstream: missing; a cache is filled from one: upstream: { url: https://registry-1.docker.io }" },
        { "registries:\n  c: { kind: hosted, pin: [a/b] }", "h.yaml:2: registries.c.pin: is a cache's, and this registry is hosted; write `kind: cache`, or remove it" },
        { "listeners:\n  - { url: http://127.0.0.1:1, registry: \"*\" }\nregistries: { a: { } }", "h.yaml:2: listeners[0].registry: \"*\" serves every cache, and there is none; name a registry, or make one of the kind cache" },
        { "registries:\n  c: { kind: cache, upstream: { url: http://localhost:5000 } }", "h.yaml:2: registries.c.upstream.url: http://localhost:5000 is this server's own listener http://127.0.0.1:5000, which serves this same cache: it would ask itself; name the registry that it shall be filled from" },
        { "listeners: [ { url: http://0.0.0.0:5001, registry: \"*\" } ]\nregistries:\n  c: { kind: cache, auth: none, upstream: { url: http://127.0.0.1:5001 } }", "h.yaml:3: registries.c.upstream.url: http://127.0.0.1:5001 is this server's own listener http://0.0.0.0:5001, which serves every cache: it would ask itself; name the registry that it shall be filled from" },
        { "retention:\n  - { registries: [c], repositories: [\"**\"], keepNewest: 1 }\nregistries: { c: { kind: cache, upstream: { url: \"https://ghcr.io\" } } }", "h.yaml:2: retention[0].registries: c is a cache, of which no rule removes anything; size.max bounds it, and pin keeps what must stay" },
        { "registries:\n  c:\n    kind: cache\n    upstream: { url: \"https://ghcr.io\" }\n    auth: { htpasswd: users }\n    access:\n      - { users: [ci], repositories: [\"**\"], actions: [pull, push] }", "h.yaml:7: registries.c.access[0].actions: grants push, and nobody may push in a cache; write pull" },
    };

    [Theory]
    [MemberData(nameof(Upstreams))]
    [Promise("P9")]
    public void Load_BadUpstream_OnePreciseLine(string upstream, string expected)
    {
        folder.Write("nothing", "\n");
        OneLine($"registries:\n  c:\n    kind: cache\n    upstream: {upstream}\n", $"h.yaml:4: registries.c.upstream{expected}");
    }

    [Theory]
    [MemberData(nameof(Others))]
    [Promise("P9")]
    public void Load_BadKeyOfACache_OnePreciseLine(string line, string expected) =>
        OneLine($"registries:\n  c:\n    kind: cache\n    upstream: {{ url: \"https://ghcr.io\" }}\n    {line}\n", $"h.yaml:5: registries.c{expected}");

    [Theory]
    [MemberData(nameof(Wholes))]
    [Promise("P9")]
    public void Load_BadCache_OnePreciseLine(string yaml, string expected) => OneLine(yaml, expected);

    [Fact]
    [Promise("P9")]
    public void Load_TwoCachesOfOneNamespace_AreRefusedWhereTheNamespaceChooses()
    {
        const string Registries = "registries:\n  a: { kind: cache, upstream: { url: \"https://ghcr.io\" } }\n  b: { kind: cache, upstream: { url: \"https://mirror.example\", namespace: GHCR.io } }\n";
        OneLine(
            "listeners: [ { url: http://127.0.0.1:1, registry: \"*\" } ]\n" + Registries,
            "h.yaml:4: registries.b.upstream.namespace: ghcr.io is a's, too, and the listener \"*\" chooses by it; give one of them another namespace, or listeners of their own instead of \"*\"");
        ConfigurationFolder.Lines(folder.Load("listeners: [ { url: http://127.0.0.1:1, registry: a }, { url: http://127.0.0.1:2, registry: b } ]\n" + Registries)).ShouldBeEmpty();
    }

    [Fact]
    [Promise("P9")]
    public void Load_CachesThatAskEachOther_AreRefused()
    {
        var result = folder.Load("""
            listeners: [ { url: http://127.0.0.1:1, registry: a }, { url: http://127.0.0.1:2, registry: b }, { url: http://127.0.0.1:3, registry: h } ]
            registries:
              a: { kind: cache, upstream: { url: "http://127.0.0.1:2" } }
              b: { kind: cache, upstream: { url: "http://127.0.0.1:1" } }
              h: {}
            """);
        ConfigurationFolder.Lines(result).Length.ShouldBe(2);
        ConfigurationFolder.Lines(result)[0].ShouldStartWith("h.yaml:3: registries.a.upstream.url: http://127.0.0.1:2 is this server's own listener of cache b, which leads back to this cache");
        // A registry of our own may be an upstream.
        ConfigurationFolder.Lines(folder.Load("""
            listeners: [ { url: http://127.0.0.1:1, registry: a }, { url: http://127.0.0.1:3, registry: h } ]
            registries:
              a: { kind: cache, upstream: { url: "http://127.0.0.1:3" } }
              h: {}
            """)).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("upstream: { url: \"https://registry-1.docker.io\" }\n    pin: [\"alpine:3.*\"]", "h.yaml:5: registries.c.pin[0]: fits nothing of Docker Hub, where every repository has two parts; did you mean library/alpine:3.*?")]
    [InlineData("upstream: { url: \"https://ghcr.io\", insecure: true }", "h.yaml:4: registries.c.upstream.insecure: does nothing: it allows plain http, and no URL needs it; for a certificate of your own authority give `ca`")]
    [InlineData("upstream: { url: \"https://registry-1.docker.io\", namespace: registry-1.docker.io }", "h.yaml:4: registries.c.upstream.namespace: clients call Docker Hub docker.io, whatever its address; write docker.io, or remove the key")]
    [InlineData("upstream: { urls: [\"https://ghcr.io\", \"https://ghcr.io/\"] }", "h.yaml:4: registries.c.upstream.urls[1]: given twice; remove one")]
    public void Load_CacheWithSomethingIdle_IsAFindingThatLetsItStart(string lines, string expected)
    {
        var result = folder.Load($"registries:\n  c:\n    kind: cache\n    {lines}\n");
        ConfigurationFolder.Lines(result).ShouldBe([expected]);
        result.Configuration.ShouldNotBeNull();
    }

    private void OneLine(string yaml, string line)
    {
        var result = folder.Load(yaml);
        ConfigurationFolder.Lines(result).ShouldBe([line.Replace("{folder}", folder.Path, StringComparison.Ordinal)]);
        result.Configuration.ShouldBeNull();
    }
}
