using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Holdfast.Configuration;
using Holdfast.Registry2;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Registry2;

public sealed class BadInputTests : IDisposable
{
    private const string Whole = """
        version: 0.1
        log:
          level: info
          fields: { service: registry }
          hooks: [{ type: mail, levels: [panic], options: { smtp: { addr: "mail:25", password: hush } } }]
        storage:
          filesystem:
            rootdirectory: /srv/registry
            maxthreads: 100
          cache: { blobdescriptor: inmemory }
          delete: { enabled: true }
          maintenance:
            uploadpurging: { enabled: true, age: 168h, interval: 24h, dryrun: false }
            readonly: { enabled: false }
        auth:
          htpasswd: { realm: r, path: /auth/htpasswd }
        http:
          addr: 127.0.0.1:5000
          net: tcp
          prefix: /
          secret: hush
          tls: { certificate: /c.pem, key: /k.pem, clientcas: [/ca.pem], minimumtls: tls1.2 }
          headers: { X-Content-Type-Options: [nosniff], Authorization: [hush] }
          debug: { addr: ":5001", prometheus: { enabled: true, path: /metrics } }
          http2: { disabled: false }
        notifications: { endpoints: [{ name: n, url: "https://x", headers: { Authorization: [hush] } }] }
        redis: { addr: "localhost:6379", password: hush, pool: { maxidle: 16 } }
        health: { storagedriver: { enabled: true, interval: 10s, threshold: 3 }, file: [{ file: /down }] }
        proxy: { remoteurl: "https://ghcr.io", username: me, password: hush }
        validation: { manifests: { urls: { allow: ["^https?://"] } } }
        reporting: { bugsnag: { apikey: hush }, newrelic: { licensekey: hush } }
        middleware: { storage: [{ name: cloudfront, options: { privatekey: hush } }] }
        compatibility: { schema1: { enabled: true } }
        """;

    private readonly OldRegistry _old = new();

    public void Dispose() => _old.Dispose();

    [Theory]
    [InlineData("", "empty")]
    [InlineData("# nothing\n", "empty")]
    [InlineData("just text", "not made of keys and values")]
    [InlineData("version: 0.1\n\tstorage: x", "tab")]
    [InlineData("version: [0.1", "YAML")]
    [InlineData("version: 0.1\n---\nversion: 0.1", "second document")]
    [InlineData("version: 0.1\nversion: 0.1", "given twice")]
    [InlineData("a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]", "anchors are not supported")]
    [InlineData("version: !!python/object 0.1", "tags are not supported")]
    public void Text_ThatIsNoConfiguration_IsAProblemWithItsLine(string text, string says)
    {
        var result = _old.Move(text);
        result.Configuration.ShouldBeNull();
        result.Problems.ShouldContain(problem => problem.ToString().Contains(says, StringComparison.Ordinal), string.Join('\n', result.Problems));
    }

    [Fact]
    public void File_ThatCantBeRead_IsAProblem()
    {
        Move(Path.Combine(_old.Folder, "absent")).ShouldContain("no such file; give the config.yml");
        Move(_old.Folder).ShouldContain("is a folder");
        Move(_old.Write("huge", "version: 0.1 #" + new string('x', 1 << 20))).ShouldContain("larger than 1 MiB");
        var bytes = _old.Write("bytes", "");
        File.WriteAllBytes(bytes, [.. Encoding.UTF8.GetBytes("version: 0.1\nlog: "), 0xff, 0xc0]);
        Move(bytes).ShouldContain("not UTF-8");

        static string Move(string path) => new Move(new MoveRequest { Sources = [new(null, path)] }).Run().Problems.ShouldHaveSingleItem().ToString();
    }

    [Theory]
    [InlineData("storage: 5", "storage.5")]
    [InlineData("storage:", "storage")]
    [InlineData("storage: { cache: { blobdescriptor: inmemory } }", "storage")]
    [InlineData("storage: [filesystem]", "storage")]
    [InlineData("storage: { filesytem: { rootdirectory: /x } }", "storage.filesytem")]
    [InlineData("storage: filesystem\nhttp: 5", "http")]
    [InlineData("storage: { filesystem: , maintenance: { uploadpurging: { age: 1h } } }", "storage.maintenance.uploadpurging.interval")]
    [InlineData("storage: { filesystem: , maintenance: { uploadpurging: } }", "storage.maintenance.uploadpurging")]
    [InlineData("storage: { filesystem: , maintenance: { readonly: { enabled: 'true' } } }", "storage.maintenance.readonly.enabled")]
    [InlineData("storage: filesystem\nhttp: { relativeurls: 'true' }", "http.relativeurls")]
    [InlineData("storage: filesystem\nhttp: { draintimeout: soon }", "http.draintimeout")]
    [InlineData("storage: filesystem\nhttp: { secret: { a: b } }", "http.secret")]
    [InlineData("storage: filesystem\nlog: { level: loud }", "log.level")]
    [InlineData("storage: filesystem\ncatalog: { maxentries: many }", "catalog.maxentries")]
    [InlineData("storage: filesystem\nproxy: { remoteurl: 'ghcr.io' }", "proxy.remoteurl")]
    [InlineData("storage: filesystem\nhttp: { tls: { clientcas: /ca.pem } }", "http.tls.clientcas")]
    public void Value_ThatTheOldRegistryWouldntStartWith_IsWrongAndNothingIsMade(string text, string key)
    {
        var result = _old.Move("version: 0.1\n" + text);
        result.Configuration.ShouldBeNull(OldRegistry.Text(result));
        result.Files.Single().Remarks.ShouldContain(remark => remark.Key == key && remark.Verdict == Verdict.Wrong, OldRegistry.Text(result));
    }

    [Theory]
    [InlineData("storage: filesystem")]
    [InlineData("version: 7\nstorage: filesystem")]
    public void Version_ThatIsNot01_IsWrong(string text) => OldRegistry.Remark(_old.Move(text), "version").Verdict.ShouldBe(Verdict.Wrong);

    [Fact]
    public void Secrets_OfAnyKind_AreInNoOutput()
    {
        var result = _old.Move(Whole.Replace("proxy: {", "proxi: {", StringComparison.Ordinal));
        result.Configuration.ShouldNotBeNull(OldRegistry.Text(result)).ShouldNotContain("hush");
        OldRegistry.Text(result).ShouldNotContain("hush");
        using var json = new StringWriter();
        MoveJson.Write(new MoveOutcome(result, [], null), json);
        json.ToString().ShouldNotContain("hush");
    }

    /// <summary>However a file is torn: an answer, never a fault; and what comes out is YAML that the schema knows.</summary>
    [Fact]
    public void Files_TornInAnyWay_GetAnAnswer() => Prop.ForAll(
        Torn().ToArbitrary(),
        text =>
        {
            var result = _old.Move(text);
            if (result.Configuration is null)
                return result.Problems.Count > 0 || result.Files.Any(file => file.Remarks.Any(remark => remark.Verdict == Verdict.Wrong));
            return _old.Load(result).Problems.All(problem => problem.Text.Contains("no file", StringComparison.Ordinal) || problem.Text.Contains("is a folder", StringComparison.Ordinal));
        }).QuickCheckThrowOnFailure();

    private static Gen<string> Torn()
    {
        var lines = Whole.Split('\n');
        return from cuts in Gen.Choose(0, 3).SelectMany(count => Gen.ArrayOf(Gen.Choose(0, lines.Length - 1), count))
               from at in Gen.Choose(0, Whole.Length - 1)
               from what in Gen.Elements("", "", "x", ":", "{", "]", "\n", " ", "'", "9", "\u0000", "&a ", "- ")
               select string.Join('\n', lines.Where((_, index) => !cuts.Contains(index))) is var text && at < text.Length ? text.Insert(at, what) : Whole;
    }
}
