using Holdfast.Registry2;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Registry2;

/// <summary>Every setting is told about, each once, and what the old registry doesn't know is named.</summary>
public sealed class SettingTests : IDisposable
{
    private readonly OldRegistry _old = new();

    public void Dispose() => _old.Dispose();

    [Fact]
    public void KnownSettings_GivenAllAtOnce_AreEachToldOnce()
    {
        foreach (var release in Enum.GetValues<Release>())
        {
            foreach (var known in KnownSettings.All.Where(known => known.OnlyIn is null || known.OnlyIn == release))
            {
                var result = Of(known, release);
                var key = known.Path.Replace("*", "storage", StringComparison.Ordinal);
                var told = result.Files.Single().Remarks.Count(remark => remark.Key == key);
                told.ShouldBe(1, $"{key}\n{OldRegistry.Text(result)}");
                OldRegistry.Remark(result, key).Verdict.ShouldNotBe(Verdict.Unknown, key);
            }
        }
    }

    [Theory]
    [InlineData("proxy.cachewritetimeout", "1m")]
    [InlineData("http.h2c.enabled", "true")]
    [InlineData("tags.maxtags", "5")]
    public void Setting_OfTheOtherRelease_IsUnknownThere(string key, string value)
    {
        var yaml = Merge(key, value);
        OldRegistry.Remark(_old.Move(yaml), key).Verdict.ShouldBe(Verdict.Unknown);
        OldRegistry.Remark(_old.Move(yaml, request => request with { Release = Release.Three }), key).Verdict.ShouldNotBe(Verdict.Unknown);
    }

    [Fact]
    public void Setting_ThatOnly28Knows_IsUnknownToThree() =>
        OldRegistry.Remark(_old.Move(OldRegistry.Base + "redis: { addr: 'localhost:6379' }", request => request with { Release = Release.Three }), "redis.addr")
            .Verdict.ShouldBe(Verdict.Unknown);

    [Fact]
    public void SilentSettings_OfTheReplacedSystem_AreUnknownWithTheNearestName()
    {
        var result = _old.Move("""
            version: 0.1
            storage:
              filesystem:
                rootdirectory: /srv/registry
                maxsize: 50GB
            http:
              addr: 127.0.0.1:5000
            proxy:
              ttl: 168h
            """);
        var size = OldRegistry.Remark(result, "storage.filesystem.maxsize");
        size.Verdict.ShouldBe(Verdict.Unknown);
        size.Text.ShouldContain("storage.filesystem.maxthreads");
        size.Text.ShouldContain("size.max");
        size.Origin.Line.ShouldBe(5);
        OldRegistry.Remark(result, "proxy.ttl").Verdict.ShouldBe(Verdict.Unknown);
        result.IsFine.ShouldBeFalse();
    }

    [Theory]
    [InlineData("http: { address: x }", "http.address", "http.addr")]
    [InlineData("storage: { filesystem: { rootDirectory: /x } }", "storage.filesystem.rootDirectory", "storage.filesystem.rootdirectory")]
    [InlineData("loging: { level: info }", "loging", "log")]
    [InlineData("log: { acceslog: { disabled: true } }", "log.acceslog", "log.accesslog")]
    [InlineData("storage: { maintenance: { uploadpurge: { enabled: true } } }", "storage.maintenance.uploadpurge", "storage.maintenance.uploadpurging")]
    public void Typo_IsNamedWithTheNearestKnownName(string line, string key, string near)
    {
        var result = _old.Move("version: 0.1\n" + line);
        var remark = OldRegistry.Remark(result, key);
        remark.Verdict.ShouldBe(Verdict.Unknown);
        remark.Text.ShouldContain(near);
    }

    [Fact]
    public void RootDirectory_InOtherLetters_IsNotTheOneInUse()
    {
        // Keys are compared with their case there, so that the images are where nobody thinks.
        var result = _old.Move("version: 0.1\nstorage: { filesystem: { rootDirectory: /srv/x } }\nhttp: { addr: '127.0.0.1:5000' }");
        result.Files.Single().Registry.Root.ShouldBe("/var/lib/registry");
    }

    [Theory]
    [InlineData("log: { level: warn, formatter: logstash, accesslog: { disabled: true } }", "log: { format: json, level: warning, access: { enabled: false } }")]
    [InlineData("loglevel: ERROR", "log: { level: error }")]
    [InlineData("http: { addr: '127.0.0.1:5000', draintimeout: 1m30s }", "shutdown: { drain: 90s }")]
    public void Values_AreWrittenInHoldfastsWords(string line, string expected)
    {
        var result = _old.Move("version: 0.1\nstorage: filesystem\n" + (line.StartsWith("http", StringComparison.Ordinal) ? "" : "http: { addr: '127.0.0.1:5000' }\n") + line);
        result.Configuration.ShouldNotBeNull(OldRegistry.Text(result)).ShouldContain(expected);
        _old.Load(result).Problems.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("{ enabled: true, age: 168h, interval: 24h, dryrun: false }", "maxAge: 168h")]
    [InlineData("{ age: 1h30m, interval: 1h, dryrun: false }", "maxAge: 90m")]
    [InlineData("{ age: 10s, interval: 1h, dryrun: true }", "maxAge: 1m")]
    [InlineData("{ enabled: 'false', age: 876000h, interval: 1h, dryrun: false }", "maxAge: 8760h")]
    [InlineData("{ enabled: false, age: 1h }", "maxAge: 8760h")]
    public void UploadPurging_BecomesTheAgeOfUploads(string purging, string expected)
    {
        var result = _old.Move($"version: 0.1\nstorage: {{ filesystem: {{}}, maintenance: {{ uploadpurging: {purging} }} }}\nhttp: {{ addr: '127.0.0.1:5000' }}");
        result.Configuration.ShouldNotBeNull().ShouldContain(expected);
        _old.Load(result).Problems.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("s3", "{ region: us-east-1, bucket: images, accesskey: AKIA, secretkey: hush, encrypt: true }")]
    [InlineData("gcs", "{ bucket: images, keyfile: /k.json }")]
    [InlineData("azure", "{ accountname: a, accountkey: hush, container: c }")]
    [InlineData("swift", "{ username: u, password: hush, authurl: 'http://x', container: c }")]
    [InlineData("inmemory", "{}")]
    public void OtherDriver_IsNotHereAndLeavesNoFolder(string driver, string parameters)
    {
        var result = _old.Move($"version: 0.1\nstorage: {{ {driver}: {parameters} }}\nhttp: {{ addr: '127.0.0.1:5000' }}");
        OldRegistry.Remark(result, $"storage.{driver}").Verdict.ShouldBe(Verdict.NotHere);
        result.Files.Single().Registry.Root.ShouldBeNull();
        OldRegistry.Text(result).ShouldNotContain("hush");
        _old.Load(result).Problems.ShouldBeEmpty();
    }

    // Each alone, in a file that is otherwise right.
    private MoveResult Of(KnownSetting known, Release release)
    {
        var key = known.Path.Replace("*", "storage", StringComparison.Ordinal);
        var value = (key, known.Kind) switch
        {
            ("version", _) => "0.1",
            ("log.level" or "loglevel", _) => "info",
            ("log.formatter", _) => "text",
            ("http.addr", _) => "'127.0.0.1:5000'",
            ("http.net", _) => "tcp",
            ("http.tls.minimumtls", _) => "tls1.2",
            ("http.headers", _) => "{ X-Content-Type-Options: [nosniff] }",
            ("proxy.remoteurl", _) => "https://ghcr.io",
            ("middleware.storage", _) => "[{ name: redirect, options: { baseurl: x } }]",
            (_, Kind.Boolean or Kind.LooseBoolean) => "true",
            (_, Kind.Number) => "5",
            (_, Kind.Duration) => "5m",
            (_, Kind.Texts) => "[a]",
            _ => "x",
        };
        return _old.Move(Merge(key, value), request => request with { Release = release });
    }

    private static string Merge(string key, string value)
    {
        var parts = key.Split('.');
        var inner = string.Join(": { ", parts[1..]) + $": {value}" + string.Concat(Enumerable.Repeat(" }", parts.Length - 2 < 0 ? 0 : parts.Length - 2));
        var sections = new List<(string Name, string Text)>
        {
            ("version", "0.1"), ("storage", "{ filesystem: { } }"), ("http", "{ addr: '127.0.0.1:5000' }"),
        };
        sections.RemoveAll(section => section.Name == parts[0]);
        // Purging wants all of its settings, or to be off.
        if (key.StartsWith("storage.maintenance.uploadpurging.", StringComparison.Ordinal))
        {
            var rest = new[] { ("age", "1h"), ("interval", "1h"), ("dryrun", "false") }.Where(one => one.Item1 != parts[^1]).Select(one => $"{one.Item1}: {one.Item2}");
            sections.Add(("storage", $"{{ filesystem: {{ }}, maintenance: {{ uploadpurging: {{ {parts[^1]}: {value}, {string.Join(", ", rest)} }} }} }}"));
            return string.Join('\n', sections.Select(section => $"{section.Name}: {section.Text}"));
        }

        // Drivers stand alone; what is beside a driver needs one.
        var beside = parts[0] == "storage" && parts.Length > 1 && KnownDrivers.Beside.Contains(parts[1], StringComparer.Ordinal) ? "filesystem: { }, " : "";
        var more = key.StartsWith("http.", StringComparison.Ordinal) && key is not ("http.addr" or "http.headers") ? "addr: '127.0.0.1:5000', " : "";
        var tls = key == "http.tls.certificate" ? $"{{ {more}tls: {{ certificate: {value}, key: k }} }}" : null;
        sections.Add((parts[0], parts.Length == 1 ? value : tls ?? $"{{ {beside}{more}{inner} }}"));
        return string.Join('\n', sections.Select(section => $"{section.Name}: {section.Text}"));
    }
}
