using Holdfast.Oci;
using Holdfast.Server.Incidents;
using Holdfast.Server.Tests.Hosting;
using Holdfast.Server.Tests.Protocol;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Heal;

/// <summary>How often a heal is tried while no donor has the bytes.</summary>
public sealed class BackoffTests : IAsyncLifetime
{
    private readonly ManualTime _time = new();
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("holdfast-donor-");
    private readonly RegistryFixture _registry;

    public BackoffTests() => _registry = new RegistryFixture { Time = _time };

    public async ValueTask InitializeAsync()
    {
        _registry.Options = _registry.Options with { Heal = new HealOptions { Donors = [new DonorOptions { Folder = _folder.FullName }] } };
        await _registry.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _registry.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    [Fact, Promise("P8")]
    public async Task Tries_WithoutSuccess_WaitLongerEachTime()
    {
        var digest = await LoseAsync(1);
        foreach (var (minutes, tries) in new[] { (1, 1), (5, 2), (30, 3), (120, 4), (360, 5), (360, 6) })
        {
            var tried = await WaitForTriesAsync(digest, tries);
            // The clock moves a second with each look, so that the answer may be some of them old.
            (tried.NextTryAt!.Value - _time.GetUtcNow()).ShouldBeInRange(TimeSpan.FromMinutes(minutes) - TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(minutes));
            _time.Advance(TimeSpan.FromMinutes(minutes) - TimeSpan.FromSeconds(30));
        }
    }

    [Fact, Promise("P4")]
    public async Task Donor_ThatComesBack_HealsAtTheNextTry()
    {
        var content = Samples.Bytes(2, 1000);
        var digest = await LoseAsync(2);
        await WaitForTriesAsync(digest, 1);
        Give(content);
        var healed = await _registry.WaitForAsync(digest, incident => incident.State == "healed", () => _time.Advance(TimeSpan.FromSeconds(1)));
        healed.HealSeconds!.Value.ShouldBeGreaterThanOrEqualTo(55);
        await _registry.ShouldPullAsync($"/v2/team/app/blobs/{digest}", content);
    }

    [Fact, Promise("P8")]
    public async Task Restart_BetweenTries_TriesAtOnceAndRemembersHowOften()
    {
        var digest = await LoseAsync(3);
        await WaitForTriesAsync(digest, 1);
        await _registry.RestartAsync();
        await WaitForTriesAsync(digest, 2); // Within seconds of a clock that stands still otherwise.
        Give(Samples.Bytes(3, 1000));
        await _registry.RestartAsync();
        var healed = await _registry.WaitForAsync(digest, incident => incident.State == "healed", () => _time.Advance(TimeSpan.FromMilliseconds(10)));
        healed.HealSeconds!.Value.ShouldBeLessThan(120);
    }

    private async Task<Digest> LoseAsync(int seed)
    {
        var digest = await _registry.PushBlobAsync("team/app", Samples.Bytes(seed, 1000));
        _registry.Remove(digest);
        await _registry.ShouldBeMissedAsync($"/v2/team/app/blobs/{digest}");
        return digest;
    }

    private Task<IncidentAnswer> WaitForTriesAsync(Digest digest, int tries) => _registry.WaitForAsync(
        digest, incident => incident.Tries == tries, () => _time.Advance(TimeSpan.FromSeconds(1)));

    private void Give(byte[] content)
    {
        Directory.CreateDirectory(Path.Combine(_folder.FullName, "blobs/sha256"));
        File.WriteAllBytes(Path.Combine(_folder.FullName, "blobs/sha256", Samples.DigestOf(content).Hex.ToString()), content);
    }
}
