using System.Net;
using System.Net.Http.Json;
using Holdfast.Oci;
using Holdfast.Server.Heal;
using Holdfast.Server.Http;
using Holdfast.Server.Incidents;
using Holdfast.Server.Tests.Protocol;
using Shouldly;

namespace Holdfast.Server.Tests.Heal;

/// <summary>Damages stored bytes as disks do, and looks at what becomes of it.</summary>
internal static class Damaged
{
    public static void Remove(this RegistryFixture registry, Digest digest) => File.Delete(registry.BlobFile(digest));

    /// <summary>Flips a bit and leaves the size.</summary>
    public static void Flip(this RegistryFixture registry, Digest digest)
    {
        var file = registry.BlobFile(digest);
        var bytes = File.ReadAllBytes(file);
        bytes[bytes.Length / 2] ^= 1;
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.WriteAllBytes(file, bytes);
    }

    /// <summary>A pull that meets the damage: it gets 404, or is cut off if the bytes were wrong, and there is an incident from now on.</summary>
    public static async Task ShouldBeMissedAsync(this RegistryFixture registry, string path)
    {
        try
        {
            using var pulled = await registry.GetAsync(path);
            pulled.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        }
        catch (HttpRequestException e) when (e.StatusCode is null)
        {
            // Cut off before the last byte (P4).
        }
    }

    public static async Task ShouldPullAsync(this RegistryFixture registry, string path, byte[] content)
    {
        using var pulled = await registry.GetAsync(path);
        pulled.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await pulled.Content.ReadAsByteArrayAsync()).ShouldBe(content);
    }

    public static async Task<IncidentPage> IncidentsAsync(this RegistryFixture registry, string query = "state=all") =>
        (await registry.Admin.GetFromJsonAsync<IncidentPage>($"/api/v1/incidents?{query}", AdminJson.Answers))!;

    public static async Task<IncidentAnswer> IncidentAsync(this RegistryFixture registry, Digest digest) =>
        (await registry.IncidentsAsync()).Incidents.First(incident => incident.Subject == digest.ToString());

    /// <summary>Waits until an incident about these bytes is as the test wants it, and returns it.</summary>
    public static async Task<IncidentAnswer> WaitForAsync(this RegistryFixture registry, Digest digest, Func<IncidentAnswer, bool> isSo, Action? meanwhile = null)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        IncidentAnswer? last = null;
        while (!timeout.IsCancellationRequested)
        {
            last = (await registry.IncidentsAsync()).Incidents.FirstOrDefault(incident => incident.Subject == digest.ToString());
            if (last is not null && isSo(last))
                return last;
            meanwhile?.Invoke();
            await poll.WaitForNextTickAsync();
        }
        throw new TimeoutException($"the incident stayed {last}");
    }

    public static Task<IncidentAnswer> WaitForHealAsync(this RegistryFixture registry, Digest digest) =>
        registry.WaitForAsync(digest, incident => incident.State == "healed");

    public static async Task<HealRun> HealNowAsync(this RegistryFixture registry)
    {
        using var response = await registry.Admin.PostAsync("/api/v1/heal/run", null);
        var last = (await response.Content.ReadAsStringAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1];
        return System.Text.Json.JsonSerializer.Deserialize<Ended>(last, AdminJson.Answers)!.Result ?? throw new InvalidOperationException(last);
    }

    public static async Task WithDonorsAsync(this RegistryFixture registry, params DonorOptions[] donors)
    {
        registry.Options = registry.Options with { Heal = new HealOptions { Donors = donors } };
        await registry.RestartAsync();
    }

    private sealed record Ended(HealRun? Result);
}
