using System.Net;
using Holdfast.Oci;
using Holdfast.Server.Incidents;
using Holdfast.Server.Tests.Hosting;
using Holdfast.Server.Tests.Protocol;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Heal;

/// <summary>An empty folder stands where the blobs were, as when their disk is not mounted: nothing is known to be lost.</summary>
public sealed class StoreAwayTests
{
    private const int Count = 30;

    [Theory, Promise("P6"), Promise("P8")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Blobs_MountedAway_AreOneIncidentAndNothingGoesIntoTheWrongPlaceUntilTheyAreBack(bool atStart)
    {
        var time = new ManualTime();
        await using var registry = new RegistryFixture { Time = time };
        using var donor = new DonorCopy();
        registry.Options = registry.Options with { Heal = new HealOptions { Donors = [new DonorOptions { Folder = donor.Path }] } };
        await registry.StartAsync();
        var digests = new List<Digest>();
        for (var i = 0; i < Count; i++)
            digests.Add(await registry.PushBlobAsync("team/app", Samples.Bytes(i, 300)));
        donor.Take(Path.Combine(registry.DataPath, "blobs"));

        if (atStart)
            await registry.StopAsync();
        Unmount(registry);
        if (atStart)
            await registry.StartAsync();

        var incident = await WaitAsync(registry, time, "open");
        incident.Detail.ShouldContain("store-id");
        incident.Detail.ShouldContain("not mounted");
        // Several sweeps and looks of the healers later there is still only this one.
        for (var i = 0; i < 150; i++)
            await PassAsync(registry, time);
        (await registry.IncidentsAsync("state=all")).Incidents.Select(found => (found.Kind, found.Subject)).ShouldBe([("store-unreadable", "blobs")]);
        foreach (var path in new[] { $"/v2/team/app/blobs/{digests[0]}", "/readyz" })
        {
            using var answer = await registry.GetAsync(path);
            answer.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        }
        using (var pushed = await PushAsync(registry, [1, 2, 3]))
        {
            pushed.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
            (await pushed.ErrorAsync()).Code.ShouldBe("STORE_AWAY");
            (await pushed.Content.ReadAsStringAsync()).ShouldNotContain(registry.DataPath);
        }
        Directory.GetFiles(Path.Combine(registry.DataPath, "blobs"), "*", SearchOption.AllDirectories).ShouldBeEmpty();

        Mount(registry);
        await WaitAsync(registry, time, "healed");
        for (var i = 0; i < Count; i++)
            await registry.ShouldPullAsync($"/v2/team/app/blobs/{digests[i]}", Samples.Bytes(i, 300));
        using (var pushed = await PushAsync(registry, [1, 2, 3]))
            pushed.StatusCode.ShouldBe(HttpStatusCode.Created);
        (await registry.IncidentsAsync("state=open")).Incidents.ShouldBeEmpty();
    }

    [Fact, Promise("P6")]
    public async Task Blobs_LostForGoodAndSaidSo_AreOrdinaryIncidentsThatHeal()
    {
        var time = new ManualTime();
        await using var registry = new RegistryFixture { Time = time };
        await registry.StartAsync();
        var digest = await registry.PushBlobAsync("team/app", [1, 2, 3]);
        await registry.StopAsync();
        Unmount(registry);
        await registry.StartAsync();
        var told = (await WaitAsync(registry, time, "open")).Detail;

        // What the incident says to do.
        await registry.StopAsync();
        var command = told[(told.IndexOf("cp '", StringComparison.Ordinal) + 4)..].Split('\'');
        File.Copy(command[0], command[2]);
        await registry.StartAsync();
        await WaitAsync(registry, time, "healed");
        await registry.WaitForAsync(digest, found => found is { Kind: "blob-missing", State: "open" }, () => time.Advance(TimeSpan.FromSeconds(1)));
        using (var pushed = await PushAsync(registry, [1, 2, 3]))
            pushed.StatusCode.ShouldBe(HttpStatusCode.Created);
        await registry.ShouldPullAsync($"/v2/team/app/blobs/{digest}", [1, 2, 3]);
    }

    [Fact, Promise("P6")]
    public async Task Blobs_OfAnotherStore_AreAway()
    {
        var time = new ManualTime();
        await using var registry = new RegistryFixture { Time = time };
        await using var other = new RegistryFixture();
        await registry.StartAsync();
        await other.StartAsync();
        Unmount(registry);
        Directory.Delete(Path.Combine(registry.DataPath, "blobs"));
        Directory.Move(Path.Combine(other.DataPath, "blobs"), Path.Combine(registry.DataPath, "blobs"));
        (await WaitAsync(registry, time, "open")).Detail.ShouldContain("another store");
        Directory.Move(Path.Combine(registry.DataPath, "blobs"), Path.Combine(other.DataPath, "blobs"));
        Directory.CreateDirectory(Path.Combine(registry.DataPath, "blobs"));
        Mount(registry);
        await WaitAsync(registry, time, "healed");
    }

    private static void Unmount(RegistryFixture registry)
    {
        var blobs = Path.Combine(registry.DataPath, "blobs");
        Directory.Move(blobs, blobs + ".away");
        Directory.CreateDirectory(blobs);
    }

    private static void Mount(RegistryFixture registry)
    {
        var blobs = Path.Combine(registry.DataPath, "blobs");
        Directory.Delete(blobs, recursive: true);
        Directory.Move(blobs + ".away", blobs);
    }

    private static Task<HttpResponseMessage> PushAsync(RegistryFixture registry, byte[] content) => registry.SendAsync(
        HttpMethod.Post, $"/v2/team/app/blobs/uploads/?digest={Samples.DigestOf(content)}", new ByteArrayContent(content));

    // The checks that the step made due run before an answer of the administration comes: the server has nothing else to do.
    private static async Task PassAsync(RegistryFixture registry, ManualTime time)
    {
        time.Advance(TimeSpan.FromSeconds(1));
        await registry.IncidentsAsync("state=open");
    }

    private static async Task<IncidentAnswer> WaitAsync(RegistryFixture registry, ManualTime time, string state)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!timeout.IsCancellationRequested)
        {
            var page = await registry.IncidentsAsync("state=all&kind=store-unreadable");
            if (page.Incidents.FirstOrDefault(incident => incident.State == state) is { } found)
                return found;
            time.Advance(TimeSpan.FromSeconds(1));
            await poll.WaitForNextTickAsync();
        }
        throw new TimeoutException($"no store-unreadable became {state}");
    }

    /// <summary>Has all bytes, to show that nothing is fetched although it could be.</summary>
    private sealed class DonorCopy : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("holdfast-donor-").FullName;

        public void Take(string blobs)
        {
            foreach (var file in Directory.GetFiles(blobs, "*", SearchOption.AllDirectories))
            {
                var target = System.IO.Path.Combine(Path, "blobs", System.IO.Path.GetRelativePath(blobs, file));
                Directory.CreateDirectory(System.IO.Path.GetDirectoryName(target)!);
                File.Copy(file, target);
            }
        }

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
