using System.Text.Json;
using Holdfast.Drill.Servers;

namespace Holdfast.Drill.Checks;

/// <param name="Subject">What it is about: a digest where it has one.</param>
/// <param name="OpenedAt">By the server's clock, which is this machine's.</param>
/// <param name="HealedAt">Null: it is open.</param>
internal sealed record SeenIncident(string Kind, string Subject, DateTimeOffset OpenedAt, DateTimeOffset? HealedAt, string? HealedBy);

/// <summary>A server's incidents, over its administration.</summary>
internal static class OpenIncidents
{
    private static readonly string[] DamageKinds = ["blob-missing", "blob-corrupt", "manifest-missing", "manifest-copy", "dangling-edge", "store-unreadable"];

    /// <param name="state">open, healed or all.</param>
    public static async Task<IReadOnlyList<SeenIncident>> ListAsync(AdminSocket admin, string state, CancellationToken token)
    {
        var list = new List<SeenIncident>();
        for (var after = ""; ;)
        {
            var page = await admin.GetAsync($"/api/v1/incidents?state={state}&limit=1000{after}", token);
            list.AddRange(page.GetProperty("incidents").EnumerateArray().Select(Read));
            if (!page.TryGetProperty("next", out var next) || next.ValueKind == JsonValueKind.Null)
                return list;
            after = "&after=" + next.GetString();
        }
    }

    public static async Task<IReadOnlyDictionary<string, int>> CountAsync(AdminSocket admin, CancellationToken token) =>
        (await ListAsync(admin, "open", token)).CountBy(incident => incident.Kind).ToDictionary(StringComparer.Ordinal);

    /// <returns>Those kinds among them that say that an image is hurt.</returns>
    public static IEnumerable<string> Damage(IReadOnlyDictionary<string, int> incidents) => incidents.Keys.Intersect(DamageKinds);

    private static SeenIncident Read(JsonElement incident) => new(
        incident.GetProperty("kind").GetString()!, incident.GetProperty("subject").GetString()!, incident.GetProperty("openedAt").GetDateTimeOffset(),
        incident.TryGetProperty("healedAt", out var healed) && healed.ValueKind != JsonValueKind.Null ? healed.GetDateTimeOffset() : null,
        incident.TryGetProperty("healedBy", out var by) ? by.GetString() : null);
}
