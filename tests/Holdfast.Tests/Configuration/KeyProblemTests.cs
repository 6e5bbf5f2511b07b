using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Configuration;

/// <summary>Keys that aren't known, or not here, and values that can't be.</summary>
public sealed class KeyProblemTests(ConfigurationFolder folder) : IClassFixture<ConfigurationFolder>
{
    public static TheoryData<string, string> Keys => new()
    {
        { "dtaa: /x", "h.yaml:1: dtaa: unknown key; did you mean data?" },
        { "uploads:\n  maxage: 3h", "h.yaml:2: uploads.maxage: unknown key; did you mean uploads.maxAge?" },
        { "uploads:\n  max-open: 3", "h.yaml:2: uploads.max-open: unknown key; did you mean uploads.maxOpen?" },
        { "maxAge: 3h", "h.yaml:1: maxAge: unknown key; it belongs elsewhere, as uploads.maxAge" },
        { "uploads:\n  drain: 3s", "h.yaml:2: uploads.drain: unknown key; it belongs elsewhere, as shutdown.drain" },
        { "registries:\n  default:\n    htpasswd: users", "h.yaml:3: registries.default.htpasswd: unknown key; it belongs elsewhere, as registries.default.auth.htpasswd" },
        { "storage:\n  filesystem:\n    maxsize: 5GB", "h.yaml:3: storage.filesystem.maxsize: unknown key; did you mean registries.<name>.size.max?" },
        { "registries:\n  default:\n    maxsize: 5GB", "h.yaml:3: registries.default.maxsize: unknown key; did you mean registries.default.size.max?" },
        { "storage:\n  filesystem:\n    rootdirectory: /x", "h.yaml:3: storage.filesystem.rootdirectory: unknown key; did you mean data?" },
        { "zzzzzzzz: 1", "h.yaml:1: zzzzzzzz: unknown key; known here: data, listeners, registries, caches, uploads, disk, limits, proxies, shutdown, log, collection, trash, scrub, probe, heal, retention" },
        { "registries:\n  default:\n    kind: cache", "h.yaml:3: registries.default.upstream: missing; a cache is filled from one: upstream: { url: https://registry-1.docker.io }" },
        { "registries:\n  default:\n    upstream: { url: https://x.example }", "h.yaml:3: registries.default.upstream: is a cache's, and this registry is hosted; write `kind: cache`, or remove it" },
        { "registries:\n  default:\n    tags: { revalidateAfter: 0s }", "h.yaml:3: registries.default.tags: is a cache's, and this registry is hosted; write `kind: cache`, or remove it" },
        { "registries:\n  default:\n    size: { max: 50GiB }", "h.yaml:3: registries.default.size: is a cache's, and this registry is hosted; write `kind: cache`, or remove it" },
        { "collection: { gracee: 24h }", "h.yaml:1: collection.gracee: unknown key; did you mean collection.grace?" },
        { "grace: 24h", "h.yaml:1: grace: unknown key; it belongs elsewhere, as collection.grace" },
        { "gc: { grace: 24h }", "h.yaml:1: gc: unknown key; did you mean collection?" },
        { "heal: { donors: [ { url: https://a.example } ] }", "h.yaml:1: heal.donors[0].url: unknown key; did you mean heal.donors[0].registry?" },
        { "retention: [ { registries: [default], repositories: [a], keepNewset: 3 } ]", "h.yaml:1: retention[0].keepNewset: unknown key; did you mean retention[0].keepNewest?" },
        { "schedule: 0 2 * * *", "h.yaml:1: schedule: unknown key; it belongs elsewhere, as retention[].schedule" },
    };

    public static TheoryData<string, string> Values => new()
    {
        { "data: [x]", "h.yaml:1: data: wants one value (path), not a list" },
        { "data: { x: y }", "h.yaml:1: data: wants one value (path), not a mapping" },
        { "data:", "h.yaml:1: data: has no value (path); write one or remove the key" },
        { "data: ''", "h.yaml:1: data: is empty" },
        { "data: \"/x\\0\"", "h.yaml:1: data: has a control character in it" },
        { "data: users", "h.yaml:1: data: '{folder}/users' is a file; name a folder" },
        { "uploads: 5", "h.yaml:1: uploads: '5' is not a mapping; its keys are maxAge, maxOpen" },
        { "uploads:\n  - maxAge: 3h", "h.yaml:2: uploads: wants a mapping with the keys maxAge, maxOpen, not a list; remove the dash" },
        { "uploads: { maxAge: 24 }", "h.yaml:1: uploads.maxAge: '24' is not a duration; write a whole number and a unit: 500ms, 30s, 15m, 24h, 90d" },
        { "uploads: { maxAge: 1.5h }", "h.yaml:1: uploads.maxAge: '1.5h' is not a duration; write a whole number and a unit: 500ms, 30s, 15m, 24h, 90d" },
        { "uploads: { maxAge: -1h }", "h.yaml:1: uploads.maxAge: '-1h' is negative" },
        { "uploads: { maxAge: 500ms }", "h.yaml:1: uploads.maxAge: '500ms' is too short; at least 1m" },
        { "uploads: { maxAge: 366d }", "h.yaml:1: uploads.maxAge: '366d' is too long; at most 8760h" },
        { "uploads: { maxAge: 99999999999999999999d }", "h.yaml:1: uploads.maxAge: '99999999999999999999d' is too large" },
        { "uploads: { maxAge: 9223372036854775807d }", "h.yaml:1: uploads.maxAge: '9223372036854775807d' is too large" },
        { "uploads: { maxOpen: 0 }", "h.yaml:1: uploads.maxOpen: '0' is not a whole number from 1 to 1000000" },
        { "uploads: { maxOpen: many }", "h.yaml:1: uploads.maxOpen: 'many' is not a whole number from 1 to 1000000" },
        { "disk: { reserve: 50G }", "h.yaml:1: disk.reserve: '50G' is not a size; write a whole number of bytes, or one with a unit: 512MiB, 50GiB, 1GB" },
        { "disk: { reserve: 9999999TiB }", "h.yaml:1: disk.reserve: '9999999TiB' is too large" },
        { "disk: { reserve: -5 }", "h.yaml:1: disk.reserve: '-5' is negative" },
        { "limits: { manifestCache: 1TiB }", "h.yaml:1: limits.manifestCache: '1TiB' is too large; at most 64GiB" },
        { "limits: { connections: 1 }", "h.yaml:1: limits.connections: '1' is not a whole number from 16 to 1000000" },
        { "shutdown: { drain: 25h }", "h.yaml:1: shutdown.drain: '25h' is too long; at most 24h" },
        { "log: { format: jsno }", "h.yaml:1: log.format: 'jsno' is not known; did you mean json?" },
        { "log: { level: verbose }", "h.yaml:1: log.level: 'verbose' is not known; write debug or information or warning or error" },
        { "log: { access: { enabled: yes } }", "h.yaml:1: log.access.enabled: 'yes' is not true or false" },
        { "proxies: { trusted: 10.0.0.0/8 }", "h.yaml:1: proxies.trusted: wants a list; write [10.0.0.0/8]" },
        { "proxies: { trusted: [proxy.example] }", "h.yaml:1: proxies.trusted[0]: 'proxy.example' is not an IP address or a network such as 10.0.0.0/8" },
        { "proxies: { trusted: [10.0.0.0/40] }", "h.yaml:1: proxies.trusted[0]: '10.0.0.0/40' is not a network; the address must end in zeros after the prefix, as in 10.1.0.0/16" },
    };

    [Theory]
    [MemberData(nameof(Keys))]
    [Promise("P9")]
    public void Load_UnknownKey_NamesTheNearest(string yaml, string line) => OneLine(yaml, line);

    [Theory]
    [MemberData(nameof(Values))]
    [Promise("P9")]
    public void Load_ImpossibleValue_SaysWhatIsPossible(string yaml, string line) => OneLine(yaml, line);

    [Fact]
    [Promise("P9")]
    public void Load_ManyProblems_AllAtOnce()
    {
        var result = folder.Load("dtaa: /x\nuploads: { maxAge: 3 }\nlog: { levle: debug }\ndisk: { reserve: none }\n");
        result.Problems.Select(p => p.Origin.Line).ShouldBe([1, 2, 3, 4]);
    }

    private void OneLine(string yaml, string line)
    {
        var result = folder.Load(yaml);
        ConfigurationFolder.Lines(result).ShouldBe([line.Replace("{folder}", folder.Path, StringComparison.Ordinal)]);
        result.Configuration.ShouldBeNull();
    }
}
