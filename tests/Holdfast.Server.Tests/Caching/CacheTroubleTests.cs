using System.Net;
using System.Text;
using Holdfast.Server.Auth;
using Holdfast.Server.Http;
using Holdfast.Server.Tests.Hosting;
using Holdfast.Server.Tests.Heal;
using Holdfast.Server.Tests.Protocol;
using Holdfast.Storage;
using Holdfast.Storage.FileSystem;
using Holdfast.Storage.Sqlite;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Caching;

/// <summary>Damage, crashes, killed upstreams, loops, expired tokens: the next pull completes, and the store has nothing wrong.</summary>
public sealed class CacheTroubleTests
{
    private const int Big = 2_000_000;

    [Theory, Promise("P4")]
    [InlineData("flip", Big)]
    [InlineData("flip", 1000)]
    [InlineData("remove", Big)]
    [InlineData("remove", 1000)]
    public async Task CachedBlob_ThatIsDamaged_IsFetchedAnewAndItsIncidentEnds(string damage, int size)
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 1, size);
        await lab.ShouldPullAsync(image, "v1");
        await lab.ShouldBeKeptAsync(image.Layer);
        await lab.Server.RestartAsync(); // What was just hashed is trusted.
        var digest = Samples.DigestOf(image.Layer);
        if (damage == "flip")
            lab.Server.Flip(digest);
        else
            lab.Server.Remove(digest);
        for (var tries = 0; ; tries++)
        {
            var (status, body, isWhole) = await lab.PullAsync(lab.Blob(image.Layer));
            if (isWhole && status == HttpStatusCode.OK)
            {
                body.AsSpan().SequenceEqual(image.Layer).ShouldBeTrue();
                break;
            }
            tries.ShouldBeLessThan(20, "it never comes again");
        }
        (await lab.Server.WaitForHealAsync(digest)).HealedBy.ShouldNotBeNull().ShouldStartWith("upstream"); // By the pull, or by the healing before it.
        File.ReadAllBytes(lab.Server.BlobFile(digest)).AsSpan().SequenceEqual(image.Layer).ShouldBeTrue();
        lab.Proxy.Forget();
        await lab.ShouldPullAsync(lab.Blob(image.Layer), image.Layer);
        lab.Proxy.Count("GET", "/blobs/").ShouldBe(0);
    }

    [Fact]
    public async Task CachedManifest_ThatIsLost_IsFetchedAnew()
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 1, 1000);
        await lab.ShouldPullAsync(image, "v1");
        lab.Server.Remove(image.Digest);
        await lab.Server.ChangeAsync("UPDATE manifest_payloads SET payload = x'00'");
        await lab.Server.RestartAsync();
        await lab.ShouldPullAsync(lab.Manifest(image.Digest), image.Manifest);
        await lab.ShouldPullAsync(lab.Manifest("v1"), image.Manifest);
        await lab.Proxy.KillAsync();
        lab.Time.Advance(TimeSpan.FromSeconds(2));
        await lab.ShouldPullAsync(lab.Manifest(image.Digest), image.Manifest);
        await lab.ShouldPullAsync(lab.Manifest("v1"), image.Manifest);
    }

    /// <summary>The folder as a power cut leaves it in the middle of a fetch.</summary>
    [Fact, Promise("P1")]
    public async Task Crash_InTheMiddleOfAFetch_LeavesNothingWrong()
    {
        await using var lab = await CachingLab.StartAsync();
        var kept = await lab.PushAsync("kept", 1, 100_000);
        await lab.ShouldPullAsync(kept, "kept");
        await lab.ShouldBeKeptAsync(kept.Layer);
        var image = await lab.PushAsync("v1", 2, Big);
        await lab.ShouldPullAsync(lab.Manifest("v1"), image.Manifest);
        var gate = new Gate();
        lab.Proxy.Add(new Fault { Of = Fault.Get("/blobs/"), Gate = gate, GateAt = Big / 2, Times = 1 });
        var pull = lab.PullAsync(lab.Blob(image.Layer));
        await gate.Reached;
        await Eventually.ShouldBeAsync(() => lab.LeftUploads().Length, 1);
        await using var after = new RegistryFixture { Time = lab.Time, Options = lab.Server.Options };
        CopyFolder(lab.Server.DataPath, after.DataPath);
        gate.Open();
        (await pull).IsWhole.ShouldBeTrue();
        (await CleanUpAsync(after.DataPath)).UnknownUploads.ShouldBe(1);
        await after.StartAsync();
        Directory.GetFiles(Path.Combine(after.DataPath, "uploads")).Where(static file => Path.GetFileName(file) != "store-id").ShouldBeEmpty();
        (await after.CountAsync("SELECT COUNT(*) FROM pragma_foreign_key_check")).ShouldBe(0);
        File.Exists(after.BlobFile(Samples.DigestOf(image.Layer))).ShouldBeFalse();
        foreach (var (path, content) in new[] { (lab.Blob(image.Layer), image.Layer), (lab.Blob(kept.Layer), kept.Layer), (lab.Manifest("v1"), image.Manifest) })
            (await after.Http.GetByteArrayAsync(path)).AsSpan().SequenceEqual(content).ShouldBeTrue();
    }

    [Fact]
    public async Task Stop_InTheMiddleOfAFetch_EndsAndLeavesNothing()
    {
        await using var lab = await CachingLab.StartAsync(new LabPlan { Server = options => options with { DrainTimeout = TimeSpan.Zero } });
        var image = await lab.PushAsync("v1", 1, Big);
        var gate = new Gate();
        lab.Proxy.Add(new Fault { Of = Fault.Get("/blobs/"), Gate = gate, GateAt = Big / 2, Times = 1 });
        var pull = lab.PullAsync(lab.Blob(image.Layer));
        await gate.Reached;
        await lab.Server.RestartAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(60));
        (await pull).IsWhole.ShouldBeFalse();
        await lab.ShouldBeSoundAsync();
        await lab.ShouldPullAsync(image, "v1");
    }

    [Fact]
    public async Task Upstream_KilledAtEveryTenth_LeavesNothingWrongAndTheNextPullCompletes() =>
        await Task.WhenAll(Enumerable.Range(0, 11).Select(KillAsync));

    [Fact]
    public async Task Upstream_ThatIsThisCache_Is508()
    {
        await using var lab = await CachingLab.StartAsync();
        lab.Proxy.Upstream = lab.Server.Address;
        foreach (var path in new[] { lab.Manifest("v1"), lab.Manifest(Samples.DigestOf([1])), lab.Blob([1]), $"/v2/{CachingLab.Repository}/tags/list" })
        {
            lab.Time.Advance(TimeSpan.FromMinutes(3));
            var (status, body, _) = await lab.PullAsync(path);
            ((int)status).ShouldBe(508, path);
            Encoding.UTF8.GetString(body).ShouldContain("leads back to this cache");
        }
        lab.Proxy.Requests.Count.ShouldBeLessThan(40);
    }

    /// <summary>Which is no loop, though the names of the caches begin alike.</summary>
    [Fact]
    public async Task Upstream_ThatIsAnotherCacheOfThisServer_IsUsed()
    {
        await using var between = FaultProxy.Start(new Uri("http://127.0.0.1:9"));
        await using var lab = await CachingLab.StartAsync(new LabPlan
        {
            Server = options => options with
            {
                Listeners = [.. options.Listeners, CachingLab.Listener(options.Registries[1].Name + "2")],
                Registries =
                [
                    .. options.Registries,
                    new RegistryOptions
                    {
                        Name = options.Registries[1].Name + "2", Cache = new CacheOptions { Upstream = new UpstreamOptions { Urls = [between.Address], Namespace = "second.example" } },
                    },
                ],
            },
        });
        between.Upstream = lab.Server.Address;
        var image = await lab.PushAsync("v1", 1, 1000);
        await lab.ShouldPullAsync(lab.Manifest("v1"), image.Manifest, listener: 3);
        await lab.ShouldPullAsync(lab.Blob(image.Layer), image.Layer, listener: 3);
    }

    [Fact]
    public async Task Library_AndNoLibrary_AreOneForDockerHub()
    {
        await using var lab = await CachingLab.StartAsync(new LabPlan { Namespace = "docker.io" });
        var image = await lab.Origin.PushImageAsync("library/app", "v1", 1);
        await lab.ShouldPullAsync("/v2/app/manifests/v1", image);
        await lab.ShouldPullAsync("/v2/library/app/manifests/v1", image);
        await lab.ShouldPullAsync($"/v2/app/manifests/{Samples.DigestOf(image)}?ns=docker.io", image, listener: 2);
        foreach (var name in new[] { "app", "library/app" })
            await lab.ShouldPullAsync($"/v2/{name}/blobs/{Samples.DigestOf(Samples.Bytes(1, 50))}", Samples.Bytes(1, 50));
        (await lab.Server.CountAsync("SELECT COUNT(*) FROM repositories")).ShouldBe(1);
        lab.Proxy.Count("GET", "/manifests/").ShouldBe(1);
        lab.Proxy.Count("GET", "/blobs/").ShouldBe(1);
    }

    [Fact]
    public async Task Library_ElsewhereThanDockerHub_IsAnotherRepository()
    {
        await using var lab = await CachingLab.StartAsync();
        await lab.Origin.PushImageAsync("library/app", "v1", 1);
        (await lab.PullAsync("/v2/app/manifests/v1")).Status.ShouldBe(HttpStatusCode.NotFound);
        (await lab.PullAsync("/v2/library/app/manifests/v1")).Status.ShouldBe(HttpStatusCode.OK);
    }

    /// <summary>A private upstream whose tokens come from another port and end in the middle of a pull.</summary>
    [Fact]
    public async Task Token_ThatExpiresInTheMiddleOfAPull_IsFetchedAgain()
    {
        var users = Path.GetTempFileName();
        var password = Path.GetTempFileName();
        HtpasswdEditor.Open(users, create: true).Set("ci", "pw", Bcrypt.MinCost);
        await File.WriteAllTextAsync(password, "pw\n");
        await using var lab = await CachingLab.StartAsync(new LabPlan
        {
            Origin = options => options with
            {
                Registries = [new RegistryOptions { Name = "test", Auth = new AuthOptions { HtpasswdFile = users, Token = new TokenOptions() } }],
            },
            Cache = cache => cache with { Upstream = cache.Upstream with { Username = "ci", PasswordFile = password } },
        });
        lab.Origin.Http.DefaultRequestHeaders.Add("Authorization", "Basic " + Convert.ToBase64String("ci:pw"u8));
        var image = await lab.PushAsync("v1", 1, Big);
        lab.Proxy.Add(new Fault { Of = Fault.Get("/blobs/" + Samples.DigestOf(image.Layer)), CutAfter = 700_000, Times = 1 });
        lab.Proxy.Add(new Fault { Of = asked => asked.Header("Range").Length > 0, ExpireToken = true, Times = 1 });
        await lab.ShouldPullAsync(image, "v1");
        lab.Proxy.Requests.Count(asked => asked.Header("Range").Length > 0).ShouldBe(2);
        lab.Proxy.Requests.ShouldAllBe(asked => !asked.Header("Authorization").StartsWith("Basic", StringComparison.Ordinal));
        // A token for one repository, and none without a user.
        File.Delete(users);
        File.Delete(password);
    }

    /// <summary>The incident tells of the upstream once; a hundred clients make no hundred errors with stacks.</summary>
    [Fact, Promise("P8")]
    public async Task Pull_CutOffByTheUpstream_IsNoErrorOfThisServer()
    {
        using var logs = new CollectedLogs();
        await using var lab = await CachingLab.StartAsync(new LabPlan { Logs = logs });
        var image = await lab.PushAsync("v1", 1, Big);
        var gate = new Gate();
        lab.Proxy.Add(new Fault { Of = Fault.Get("/blobs/"), Gate = gate, GateAt = Big / 2, Times = 1 });
        var pulls = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => lab.OpenAsync(lab.Blob(image.Layer))));
        await gate.Reached;
        await lab.Proxy.KillAsync();
        foreach (var pull in pulls)
        {
            using (pull)
                (await CachingLab.ReadAsync(pull)).IsWhole.ShouldBeFalse();
        }
        await lab.IncidentAsync("upstream", lab.Name);
        logs.Lines.Where(line => line.StartsWith("Error Request", StringComparison.Ordinal)).ShouldBeEmpty();
    }

    private static async Task KillAsync(int tenth)
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", tenth + 1, Big);
        await lab.ShouldPullAsync(lab.Manifest("v1"), image.Manifest);
        var gate = new Gate();
        lab.Proxy.Add(new Fault { Of = Fault.Get("/blobs/"), Gate = gate, GateAt = tenth == 0 ? -1 : Big / 10 * tenth, Times = 1 });
        var pull = lab.PullAsync(lab.Blob(image.Layer));
        await gate.Reached;
        await lab.Proxy.KillAsync();
        var (status, body, isWhole) = await pull;
        if (isWhole && status == HttpStatusCode.OK)
            body.AsSpan().SequenceEqual(image.Layer).ShouldBeTrue();
        else
            image.Layer.AsSpan().StartsWith(status == HttpStatusCode.OK ? body : []).ShouldBeTrue();
        await lab.ShouldBeSoundAsync();
        lab.Proxy.Revive();
        lab.Time.Advance(TimeSpan.FromMinutes(2));
        await lab.ShouldPullAsync(image, "v1");
        await lab.ShouldBeKeptAsync(image.Layer);
        await lab.ShouldBeSoundAsync();
    }

    // As the program does before it serves.
    private static async Task<StartupReport> CleanUpAsync(string path)
    {
        using var data = DataFolder.Open(path);
        await using var blobs = new FileSystemBlobStore(data, TimeProvider.System);
        var (metadata, _) = await SqliteMetadataDatabase.OpenAsync(data, blobs, TimeProvider.System, CancellationToken.None);
        await using var opened = metadata;
        var time = await StoreTime.OpenAsync(metadata, TimeProvider.System, CancellationToken.None);
        return await StartupCleanup.RunAsync(blobs, metadata, TimeSpan.FromDays(1), time, CancellationToken.None);
    }

    private static void CopyFolder(string from, string to)
    {
        foreach (var folder in Directory.GetDirectories(from, "*", SearchOption.AllDirectories))
            Directory.CreateDirectory(Path.Combine(to, Path.GetRelativePath(from, folder)));
        foreach (var file in Directory.GetFiles(from, "*", SearchOption.AllDirectories).Where(static file => !file.EndsWith(".sock", StringComparison.Ordinal) && Path.GetFileName(file) != "lock"))
            File.Copy(file, Path.Combine(to, Path.GetRelativePath(from, file)));
    }
}
