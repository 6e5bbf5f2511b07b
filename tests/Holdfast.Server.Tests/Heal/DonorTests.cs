using System.Net;
using Holdfast.Oci;
using Holdfast.Server.Tests.Protocol;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Heal;

/// <summary>Right bytes from elsewhere: registries of each kind of access, folders of each layout, and donors that are wrong.</summary>
public sealed class DonorTests(RegistryFixture registry, AccessFixture access) : IClassFixture<RegistryFixture>, IClassFixture<AccessFixture>, IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("holdfast-donor-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory, Promise("P4")]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Blob_ThatARegistryHas_IsHealedFromIt(int listener)
    {
        var content = Samples.Bytes(10 + listener, 700_000);
        var digest = await registry.PushBlobAsync("team/app", content);
        await PushToDonorAsync(listener, content, digest);
        await registry.WithDonorsAsync(RegistryDonor(listener));

        registry.Remove(digest);
        await registry.ShouldBeMissedAsync($"/v2/team/app/blobs/{digest}");
        var healed = await registry.WaitForHealAsync(digest);

        healed.Kind.ShouldBe("blob-missing");
        healed.HealedBy.ShouldBe($"donor {access.Registry.Addresses[listener].ToString().TrimEnd('/')}");
        healed.HealSeconds.ShouldNotBeNull();
        await registry.ShouldPullAsync($"/v2/team/app/blobs/{digest}", content);
        (await File.ReadAllBytesAsync(registry.BlobFile(digest))).ShouldBe(content);
    }

    [Theory, Promise("P4")]
    [InlineData("blobs/sha256/{0}/{1}")]
    [InlineData("blobs/sha256/{1}")]
    [InlineData("docker/registry/v2/blobs/sha256/{0}/{1}/data")]
    public async Task Blob_ThatAFolderHas_IsHealedFromIt(string layout)
    {
        var content = Samples.Bytes(layout.Length, 300_000);
        var digest = await registry.PushBlobAsync("team/app", content);
        Put(layout, digest, content);
        await registry.WithDonorsAsync(new DonorOptions { Folder = _folder.FullName });

        registry.Flip(digest);
        await registry.ShouldBeMissedAsync($"/v2/team/app/blobs/{digest}");
        var healed = await registry.WaitForHealAsync(digest);

        healed.Kind.ShouldBe("blob-corrupt");
        healed.HealedBy.ShouldBe($"donor {_folder.FullName}");
        await registry.ShouldPullAsync($"/v2/team/app/blobs/{digest}", content);
    }

    [Theory, Promise("P4")]
    [InlineData(1000)]
    [InlineData(999)]
    [InlineData(1001)]
    public async Task Bytes_ThatAreWrong_AreNotStoredAndTheNextDonorIsAsked(int size)
    {
        var content = Samples.Bytes(size * 7, 1000);
        var digest = await registry.PushBlobAsync("team/app", content);
        Put("blobs/sha256/{0}/{1}", digest, Samples.Bytes(size + 1, size));
        await registry.WithDonorsAsync(new DonorOptions { Folder = _folder.FullName });
        registry.Remove(digest);
        await registry.ShouldBeMissedAsync($"/v2/team/app/blobs/{digest}");

        var tried = await registry.WaitForAsync(digest, incident => incident.Tries > 0);

        tried.LastTry.ShouldNotBeNull().ShouldContain("wrong bytes");
        File.Exists(registry.BlobFile(digest)).ShouldBeFalse();
        Directory.GetFiles(Path.Combine(registry.DataPath, "uploads")).ShouldBeEmpty();
        await registry.ShouldBeMissedAsync($"/v2/team/app/blobs/{digest}");

        await PushToDonorAsync(0, content, digest);
        await registry.WithDonorsAsync(new DonorOptions { Folder = _folder.FullName }, RegistryDonor(0));
        // The sweep after a start may see the donor's bytes in place, and find them right, in the moment before their row is written.
        (await registry.WaitForHealAsync(digest)).HealedBy.ShouldNotBeNull().ShouldMatch("^(donor http|check$)");
        await registry.ShouldPullAsync($"/v2/team/app/blobs/{digest}", content);
    }

    [Fact, Promise("P4")]
    public async Task Manifest_WithoutAnyCopy_IsHealedFromADonorInBothPlaces()
    {
        var manifest = await registry.PushImageAsync("team/app", "v1", 77);
        var digest = Samples.DigestOf(manifest);
        foreach (var content in new[] { Samples.Bytes(77, 50), Samples.Bytes(100_077, 500) })
            await PushToDonorAsync(0, content, Samples.DigestOf(content));
        (await access.SendAsync("alice", HttpMethod.Put, "/v2/team/app/manifests/v1", manifest, MediaTypes.OciManifest)).StatusCode.ShouldBe(HttpStatusCode.Created);
        await registry.ChangeAsync($"UPDATE manifest_payloads SET payload = x'00' WHERE blob_id = (SELECT id FROM blobs WHERE digest = x'01{digest.Hex}')");
        registry.Remove(digest);
        await registry.WithDonorsAsync(); // Out of the memory too.
        await registry.ShouldBeMissedAsync("/v2/team/app/manifests/v1");
        (await registry.HealNowAsync()).Left.ShouldContain(left => left.Subject == digest.ToString());

        await registry.WithDonorsAsync(RegistryDonor(0));
        await registry.WaitForHealAsync(digest);

        await registry.ShouldPullAsync("/v2/team/app/manifests/v1", manifest);
        (await File.ReadAllBytesAsync(registry.BlobFile(digest))).ShouldBe(manifest);
        (await registry.CountAsync($"SELECT length(payload) FROM manifest_payloads WHERE blob_id = (SELECT id FROM blobs WHERE digest = x'01{digest.Hex}')"))
            .ShouldBe(manifest.Length);
        (await registry.IncidentsAsync("state=open")).Incidents.ShouldNotContain(incident => incident.Subject == digest.ToString());
    }

    [Fact, Promise("P4")]
    public async Task Blobs_AHundredDamaged_AreAllHealedByOneRun()
    {
        var contents = Enumerable.Range(0, 100).Select(i => Samples.Bytes(5_000 + i, 2_000 + i)).ToList();
        foreach (var content in contents)
            Put("blobs/sha256/{1}", await registry.PushBlobAsync("team/many", content), content);
        await registry.WithDonorsAsync();
        foreach (var (content, i) in contents.Select((content, i) => (content, i)))
        {
            var digest = Samples.DigestOf(content);
            if (i % 2 == 0)
                registry.Remove(digest);
            else
                registry.Flip(digest);
            await registry.ShouldBeMissedAsync($"/v2/team/many/blobs/{digest}");
        }
        (await registry.IncidentsAsync("limit=1000")).Open.ShouldBeGreaterThanOrEqualTo(100);

        await registry.WithDonorsAsync(new DonorOptions { Folder = _folder.FullName });
        await registry.HealNowAsync();

        foreach (var content in contents)
            await registry.ShouldPullAsync($"/v2/team/many/blobs/{Samples.DigestOf(content)}", content);
        (await registry.IncidentsAsync("state=open&limit=1000")).Incidents.ShouldNotContain(incident => contents.Any(content => incident.Subject == Samples.DigestOf(content).ToString()));
    }

    [Fact, Promise("P10")]
    public async Task Heal_WithLessRoomThanTheReserve_WaitsForRoom()
    {
        var content = Samples.Bytes(31, 10_000);
        var digest = await registry.PushBlobAsync("team/app", content);
        Put("blobs/sha256/{1}", digest, content);
        registry.Options = registry.Options with { DiskReserveBytes = 1L << 60 };
        await registry.WithDonorsAsync(new DonorOptions { Folder = _folder.FullName });
        registry.Remove(digest);
        await registry.ShouldBeMissedAsync($"/v2/team/app/blobs/{digest}");
        (await registry.WaitForAsync(digest, incident => incident.Tries > 0)).LastTry.ShouldNotBeNull().ShouldContain("disk.reserve");

        registry.Options = registry.Options with { DiskReserveBytes = 0 };
        await registry.RestartAsync();
        await registry.WaitForHealAsync(digest);
    }

    private DonorOptions RegistryDonor(int listener)
    {
        var password = Path.Combine(_folder.FullName, "password");
        File.WriteAllText(password, AccessFixture.PasswordOf("alice") + "\n");
        return new DonorOptions { Registry = access.Registry.Addresses[listener], Username = "alice", PasswordFile = password };
    }

    private async Task PushToDonorAsync(int listener, byte[] content, Digest digest)
    {
        // A password does where a token would, too.
        var address = new Uri(access.Registry.Addresses[listener], $"/v2/team/app/blobs/uploads/?digest={digest}");
        using var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = new ByteArrayContent(content) };
        request.Headers.TryAddWithoutValidation("Authorization", AccessFixture.Basic("alice"));
        using var response = await access.Registry.Http.SendAsync(request);
        response.StatusCode.ShouldBe(HttpStatusCode.Created);
    }

    private void Put(string layout, Digest digest, byte[] content)
    {
        var file = Path.Combine(_folder.FullName, string.Format(System.Globalization.CultureInfo.InvariantCulture, layout, digest.Hex[..2].ToString(), digest.Hex.ToString()));
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllBytes(file, content);
    }
}
