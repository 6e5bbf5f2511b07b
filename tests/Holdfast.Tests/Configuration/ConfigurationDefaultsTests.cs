using System.Net;
using Holdfast.Configuration;
using Holdfast.Server;
using Holdfast.Server.Auth;
using Holdfast.Server.Http;
using Microsoft.Extensions.Logging;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Configuration;

public sealed class ConfigurationDefaultsTests(ConfigurationFolder folder) : IClassFixture<ConfigurationFolder>
{
    [Fact]
    public void Load_Nothing_OneOpenRegistryOnLoopback()
    {
        var configuration = folder.LoadWithoutFile().Configuration!;
        configuration.DataFolder.ShouldBe(Path.Combine(folder.Path, "data"));
        var listener = configuration.Server.Listeners.ShouldHaveSingleItem();
        listener.Url.OriginalString.ShouldBe("http://127.0.0.1:5000");
        listener.Registry.ShouldBe("default");
        configuration.Server.Registries.ShouldHaveSingleItem().ShouldBe(new RegistryOptions { Name = "default" });
        configuration.Log.ShouldBe(new LogConfiguration(LogFormat.Console, LogLevel.Information));
    }

    /// <summary>The schema's defaults are what the reference shows, the options' are what a server does.</summary>
    [Fact]
    public void Schema_Defaults_AreTheOptions()
    {
        var written = Schema.Keys
            .Where(k => k.Key is { Default: not null, Shape: Value } && !k.Path.Contains('<', StringComparison.Ordinal) && !k.Path.Contains('[', StringComparison.Ordinal) && k.Path != "data")
            .Select(k => $"{k.Path}={k.Key.Default}");
        var spelled = folder.LoadWithoutFile(new ConfigurationArguments { Set = [.. written] });
        ConfigurationFolder.Lines(spelled).ShouldBeEmpty();
        var defaults = folder.LoadWithoutFile().Configuration!;
        spelled.Configuration!.Log.ShouldBe(defaults.Log);
        var (one, other) = (spelled.Configuration.Server, defaults.Server);
        (one.Uploads, one.Limits, one.AccessLog, one.DiskReserveBytes, one.DrainTimeout)
            .ShouldBe((other.Uploads, other.Limits, other.AccessLog, other.DiskReserveBytes, other.DrainTimeout));
        (other.Uploads, other.Limits, other.AccessLog).ShouldBe((new UploadOptions(), new LimitOptions(), new AccessLogOptions()));
        (one.Collection, one.Trash, one.Scrub).ShouldBe((other.Collection, other.Trash, other.Scrub));
        (other.Collection, other.Trash, other.Scrub).ShouldBe((new CollectionOptions(), new TrashOptions(), new ScrubOptions()));
        Quantity.ParseDuration(Schema.Keys.First(k => k.Path.EndsWith(".lifetime", StringComparison.Ordinal)).Key.Default!, out var lifetime).ShouldBeNull();
        lifetime.ShouldBe(new TokenOptions().Lifetime);
    }

    [Fact]
    public void Load_EveryKey_ReachesItsOption()
    {
        const string Yaml = """
            data: /srv/registry
            listeners:
              - url: https://127.0.0.1:5443
                tls: { certificate: tls.pem, key: tls.key }
                registry: private
            registries:
              private:
                kind: hosted
                auth:
                  htpasswd: users
                  anonymous: [pull]
                  token: { realm: "https://registry.example/token", service: mine, lifetime: 10m }
                access:
                  - { users: [ci], repositories: ["**", "a/*"], actions: [pull, push] }
                  - { users: ["*"], repositories: [b], actions: [delete] }
            uploads: { maxAge: 2h, maxOpen: 7 }
            disk: { reserve: 2GB }
            limits: { connections: 77, manifestCache: 1MiB }
            proxies: { trusted: ["10.0.0.0/8", "::1"] }
            shutdown: { drain: 0s }
            log: { format: json, level: warning, access: { enabled: false, maxLinesPerSecond: 3 } }
            """;
        var result = folder.Load(Yaml);
        ConfigurationFolder.Lines(result).ShouldBeEmpty();
        result.Configuration!.DataFolder.ShouldBe("/srv/registry");
        result.Configuration.Log.ShouldBe(new LogConfiguration(LogFormat.Json, LogLevel.Warning));
        var server = result.Configuration.Server;
        server.Listeners[0].Tls.ShouldBe(new TlsOptions(Path.Combine(folder.Path, "tls.pem"), Path.Combine(folder.Path, "tls.key")));
        var auth = server.Registries[0].Auth!;
        auth.HtpasswdFile.ShouldBe(Path.Combine(folder.Path, "users"));
        auth.Anonymous.ShouldBe(RegistryActions.Pull);
        auth.Token.ShouldBe(new TokenOptions { Realm = new Uri("https://registry.example/token"), Service = "mine", Lifetime = TimeSpan.FromMinutes(10) });
        auth.Access.Select(a => (string.Join(',', a.Users), string.Join(',', a.Repositories), a.Actions))
            .ShouldBe([("ci", "**,a/*", RegistryActions.Pull | RegistryActions.Push), ("*", "b", RegistryActions.Delete)]);
        server.Uploads.ShouldBe(new UploadOptions { MaxAge = TimeSpan.FromHours(2), MaxOpen = 7 });
        server.DiskReserveBytes.ShouldBe(2_000_000_000);
        server.Limits.ShouldBe(new LimitOptions { Connections = 77, ManifestCacheBytes = 1 << 20 });
        server.TrustedProxies.ShouldBe([IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("::1/128")]);
        server.DrainTimeout.ShouldBe(TimeSpan.Zero);
        server.AccessLog.ShouldBe(new AccessLogOptions { Enabled = false, MaxLinesPerSecond = 3, Json = true });
    }
}
