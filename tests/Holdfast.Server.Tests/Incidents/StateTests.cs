using System.Net;
using Holdfast.Server.Auth;
using Holdfast.Server.Http;
using Holdfast.Server.Incidents;
using Holdfast.Server.Tests.Heal;
using Holdfast.Server.Tests.Hosting;
using Holdfast.Server.Tests.Protocol;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Incidents;

/// <summary>What can be wrong with the server itself, from its beginning to its end.</summary>
public sealed class StateTests
{
    [Fact, Promise("P8")]
    public async Task Certificate_ThatIsReplacedByABadOne_IsAnIncidentUntilItIsGood()
    {
        using var files = new CertificateFiles();
        files.Write("good");
        var time = new ManualTime();
        await using var registry = new RegistryFixture { Time = time };
        registry.Options = registry.Options with
        {
            Listeners = [new ListenerOptions { Url = new Uri("https://127.0.0.1:0"), Registry = "test", Tls = files.Options }],
        };
        await registry.StartAsync();
        await File.WriteAllTextAsync(files.CertificatePath, "nonsense");
        (await WaitAsync(registry, time, "certificate", "open")).Detail.ShouldContain("the old one stays in use");
        files.Write("good");
        await WaitAsync(registry, time, "certificate", "healed");
    }

    [Fact, Promise("P8")]
    public async Task Certificate_ThatEndsSoon_IsAnIncidentAlsoAfterARestartAndUntilItIsRenewed()
    {
        using var files = new CertificateFiles();
        var time = Now();
        files.Write("short", expiry: time.GetUtcNow().AddDays(13));
        await using var registry = new RegistryFixture { Time = time };
        registry.Options = registry.Options with
        {
            Listeners = [new ListenerOptions { Url = new Uri("https://127.0.0.1:0"), Registry = "test", Tls = files.Options }],
        };
        await registry.StartAsync();
        (await WaitAsync(registry, time, "certificate", "open")).Detail.ShouldContain("the certificate in use expires 20");
        files.Write("long", expiry: time.GetUtcNow().AddDays(90));
        await registry.RestartAsync();
        await WaitAsync(registry, time, "certificate", "healed");
    }

    [Fact, Promise("P8")]
    public async Task Certificate_OfAListenerThatIsGone_EndsByItself()
    {
        using var files = new CertificateFiles();
        var time = Now();
        files.Write("short", expiry: time.GetUtcNow().AddDays(3));
        await using var registry = new RegistryFixture { Time = time };
        var plain = registry.Options;
        registry.Options = plain with
        {
            Listeners = [new ListenerOptions { Url = new Uri("https://127.0.0.1:0"), Registry = "test", Tls = files.Options }],
        };
        await registry.StartAsync();
        await WaitAsync(registry, time, "certificate", "open");
        registry.Options = plain;
        await registry.RestartAsync();
        (await WaitAsync(registry, time, "certificate", "healed")).HealedBy.ShouldBe("configuration");
    }

    [Fact, Promise("P9")]
    public async Task UsersFile_ThatIsGoneOrWrong_IsAnIncidentUntilItIsRight()
    {
        var folder = Directory.CreateTempSubdirectory("holdfast-users-");
        var file = Path.Combine(folder.FullName, "htpasswd");
        var users = $"alice:{Bcrypt.Hash("secret"u8.ToArray(), 4)}\n";
        await File.WriteAllTextAsync(file, users);
        var time = new ManualTime();
        await using var registry = new RegistryFixture { Time = time };
        registry.Options = registry.Options with { Registries = [new RegistryOptions { Name = "test", Auth = new AuthOptions { HtpasswdFile = file } }] };
        await registry.StartAsync();
        File.Delete(file);
        (await WaitAsync(registry, time, "configuration", "open")).Subject.ShouldBe("htpasswd " + file);
        await File.WriteAllTextAsync(file, users);
        await WaitAsync(registry, time, "configuration", "healed");
        folder.Delete(recursive: true);
    }

    [Fact, Promise("P10")]
    public async Task Disk_BelowItsReserve_IsAnIncidentFromTheFirstRefusalUntilThereIsRoom()
    {
        var time = new ManualTime();
        await using var disk = await SmallDisk.StartAsync(reserveBytes: 8 << 20, time);
        disk.Fill(leaveBytes: 4 << 20);
        time.Advance(TimeSpan.FromSeconds(2));
        for (var i = 0; i < 5; i++)
        {
            using var refused = await disk.Registry.SendAsync(
                HttpMethod.Post, $"/v2/team/app/blobs/uploads/?digest={Samples.DigestOf([1])}", new ByteArrayContent([1]));
            refused.StatusCode.ShouldBe(HttpStatusCode.InsufficientStorage);
        }
        (await WaitAsync(disk.Registry, time, "disk-reserve", "open")).Seen.ShouldBe(1);
        disk.MakeRoom();
        await WaitAsync(disk.Registry, time, "disk-reserve", "healed");
    }

    [Fact]
    public async Task Damage_OfABlobThatIsCollected_EndsWithIt()
    {
        var time = new ManualTime();
        await using var registry = new RegistryFixture { Time = time };
        await registry.StartAsync();
        var digest = await registry.PushBlobAsync("team/app", [1, 2, 3]);
        await registry.ChangeAsync($"INSERT INTO incidents (kind, object, detail, opened_at, updated_at, seen) VALUES ('store-unreadable', '{digest}', 'x', 1, 1, 1)");
        await WaitAsync(registry, time, "store-unreadable", "open");
        await registry.ChangeAsync("DELETE FROM leases");
        await registry.ChangeAsync("DELETE FROM links");
        await registry.ChangeAsync("DELETE FROM blobs");
        await WaitAsync(registry, time, "store-unreadable", "healed");
    }

    // Certificates begin when they are made, by the real clock.
    private static ManualTime Now()
    {
        var time = new ManualTime();
        time.Advance(TimeProvider.System.GetUtcNow() - time.GetUtcNow());
        return time;
    }

    private static async Task<IncidentAnswer> WaitAsync(RegistryFixture registry, ManualTime time, string kind, string state)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!timeout.IsCancellationRequested)
        {
            var page = await registry.IncidentsAsync("state=all&kind=" + kind);
            if (page.Incidents is [var incident, ..] && incident.State == state)
                return incident;
            time.Advance(TimeSpan.FromSeconds(1));
            await poll.WaitForNextTickAsync();
        }
        throw new TimeoutException($"no {kind} became {state}");
    }
}
