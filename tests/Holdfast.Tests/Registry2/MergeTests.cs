using Holdfast.Configuration;
using Holdfast.Registry2;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Registry2;

/// <summary>One hosted registry and five caches, as they stood on one machine, become one configuration.</summary>
public sealed class MergeTests : IDisposable
{
    private static readonly (string Folder, string Upstream, string Name)[] Caches =
    [
        ("hub", "https://registry-1.docker.io", "dockerhub"), ("ghcr", "https://ghcr.io", "ghcr-io"), ("quay", "https://quay.io", "quay-io"),
        ("k8s", "https://registry.k8s.io", "registry-k8s-io"), ("kyverno", "https://reg.kyverno.io", "reg-kyverno-io"),
    ];

    private readonly OldRegistry _old = new();

    public MergeTests()
    {
        _old.Write("users", $"ci:{OldRegistry.Bcrypt}\n");
        _old.Write("private/config.yml", $$"""
            version: 0.1
            log: { level: info }
            storage: { filesystem: { rootdirectory: /srv/private }, delete: { enabled: true }, maintenance: { uploadpurging: { age: 168h, interval: 24h, dryrun: false } } }
            http: { addr: ":5000" }
            auth: { htpasswd: { realm: r, path: {{_old.Folder}}/users } }
            """);
        foreach (var (folder, upstream, _) in Caches)
        {
            _old.Write($"{folder}/config.yml", $$"""
                version: 0.1
                log: { level: warn, accesslog: { disabled: true } }
                storage: { filesystem: { rootdirectory: /srv/{{folder}}, maxsize: 50GB }, maintenance: { uploadpurging: { age: 24h, interval: 24h, dryrun: false } } }
                http: { addr: ":5000" }
                proxy: { remoteurl: "{{upstream}}", username: me, password: "hush-hush", ttl: 168h }
                """);
        }
    }

    public void Dispose() => _old.Dispose();

    [Fact]
    public void HostedAndFiveCaches_MergeIntoOneThatIsFine()
    {
        var result = Move();
        result.Problems.ShouldBeEmpty();
        result.Files.Select(file => file.Registry.Name).ShouldBe(["private", .. Caches.Select(cache => cache.Name)]);
        // Each had port 5000 in its own container.
        result.Files.Select(file => file.Registry.Listener.Port).ShouldBe([5000, 5001, 5002, 5003, 5004, 5005]);
        var loaded = _old.Load(result);
        loaded.Problems.ShouldBeEmpty();
        loaded.Configuration!.Server.Uploads.MaxAge.ShouldBe(TimeSpan.FromDays(7));
        result.Configuration.ShouldNotBeNull().ShouldContain("namespace: docker.io, username: me, passwordFile: dockerhub.upstream.password");
        result.Configuration.ShouldNotContain("hush-hush");
        OldRegistry.Text(result).ShouldNotContain("hush-hush");
    }

    [Fact]
    public void Caches_AreWrittenWithTheirUpstream()
    {
        var lines = Move().Configuration.ShouldNotBeNull().Split('\n');
        foreach (var (_, upstream, name) in Caches)
        {
            lines.ShouldContain($"  {name}:");
            lines.ShouldContain(line => line.Contains(upstream, StringComparison.Ordinal) && line.StartsWith($"    upstream:", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Differences_OfWhatIsOneHere_AreTold()
    {
        var hub = Move().Files[1].Remarks;
        foreach (var key in new[] { "log.level", "log.accesslog.disabled", "storage.maintenance.uploadpurging.age", "http.addr" })
            hub.ShouldContain(remark => remark.Key == key && remark.Verdict == Verdict.NotHere, key);
    }

    [Fact]
    public void Settings_ForOneRegistryByName_ReachOnlyThat()
    {
        ListenerAddress.Parse("http://0.0.0.0:5010", out var address);
        var result = Move(request => request with
        {
            Listen = [new OfRegistry<ListenerAddress>("ghcr-io", address!)],
            Variables = [new OfRegistry<Variable>("quay-io", Variable.Parse("REGISTRY_HTTP_ADDR=:5020", "--env")!)],
        });
        result.Problems.ShouldBeEmpty();
        result.Files.Select(file => file.Registry.Listener.Port).ShouldBe([5000, 5001, 5010, 5020, 5002, 5003]);
    }

    [Fact]
    public void Name_OfNoRegistry_IsAProblem()
    {
        var result = Move(request => request with { Htpasswd = [new OfRegistry<string>("pivate", "/x")] });
        result.Configuration.ShouldBeNull();
        result.Problems.ShouldHaveSingleItem().ToString().ShouldContain("is none of the registries here: private");
    }

    [Fact]
    public void Names_GivenTwice_AreAProblem()
    {
        var file = Path.Combine(_old.Folder, "private/config.yml");
        new Move(new MoveRequest { Sources = [new("a", file), new("a", file)] }).Run().Problems.ShouldHaveSingleItem().Text.ShouldContain("two registries named a");
        // Found ones get a number.
        new Move(new MoveRequest { Sources = [new(null, file), new(null, file)] }).Run().Files.Select(f => f.Registry.Name).ShouldBe(["private", "private-2"]);
    }

    private MoveResult Move(Func<MoveRequest, MoveRequest>? with = null)
    {
        var request = new MoveRequest
        {
            Sources = [.. new[] { "private" }.Concat(Caches.Select(cache => cache.Folder)).Select(folder => new OfRegistry<string?>(null, Path.Combine(_old.Folder, folder, "config.yml")))],
            Data = Path.Combine(_old.Folder, "data"),
        };
        return new Move(with?.Invoke(request) ?? request).Run();
    }
}
