using Holdfast.Drill.Checks;
using Holdfast.Drill.Servers;

namespace Holdfast.Drill.Damage;

/// <summary>Waits until each wound is an incident, or was one.</summary>
internal sealed class Detection(AdminSocket admin, DamageOptions options)
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(200);

    public List<string> Faults { get; } = [];

    /// <summary>Seconds from the wound to its incident, by the kind of wound.</summary>
    public SortedDictionary<string, double> Slowest { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, int> Kinds { get; private set; } = [];

    public async Task RunAsync(IReadOnlyList<Wound> wounds, CancellationToken token)
    {
        var last = wounds.Max(wound => wound.InflictedAt);
        while (true)
        {
            var incidents = (await OpenIncidents.ListAsync(admin, "all", token)).ToLookup(incident => incident.Subject);
            var missing = wounds.Where(wound => !incidents[wound.Digest].Any()).ToList();
            if (missing.Count == 0 || DateTimeOffset.UtcNow - last > LimitOf(missing[0]))
            {
                Note(wounds, incidents);
                return;
            }

            await Task.Delay(Look, token);
        }
    }

    private void Note(IReadOnlyList<Wound> wounds, ILookup<string, SeenIncident> incidents)
    {
        Kinds = wounds.SelectMany(wound => incidents[wound.Digest]).CountBy(incident => incident.Kind).ToDictionary(StringComparer.Ordinal);
        foreach (var wound in wounds)
        {
            if (incidents[wound.Digest].MinBy(incident => incident.OpenedAt) is not { } incident)
            {
                Faults.Add($"NOT FOUND: {wound.Digest}, {wound.Kind}, after {LimitOf(wound).TotalSeconds:0} s");
                continue;
            }

            var took = (incident.OpenedAt - wound.InflictedAt).TotalSeconds;
            Slowest[wound.Kind.ToString()] = Math.Max(took, Slowest.GetValueOrDefault(wound.Kind.ToString()));
            if (took > LimitOf(wound).TotalSeconds)
                Faults.Add($"FOUND LATE: {wound.Digest}, {wound.Kind}, after {took:0.0} s");
        }
    }

    private TimeSpan LimitOf(Wound wound) => wound.IsPlain || options.Period < options.Detect ? options.Detect : options.Period;
}
