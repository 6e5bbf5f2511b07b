using System.Text.Json;
using Holdfast.Server;

namespace Holdfast.Configuration;

/// <summary>Says what a configuration keeps, removes and mends.</summary>
internal static class IntegrityReport
{
    public static void Write(ServerOptions server, TextWriter output)
    {
        var undo = server.Trash.Keep == TimeSpan.Zero ? "deletes can't be undone" : $"deletes can be undone for {Format(server.Trash.Keep)}";
        output.WriteLine($"  {undo}; what nothing refers to any more goes {Format(server.Collection.Grace)} later");
        output.WriteLine($"  every byte is hashed once in {Format(server.Scrub.Period)}, at most {Quantity.Format(server.Scrub.BytesPerSecond)}/s");
        output.WriteLine(server.Heal.Donors.Count == 0
            ? "  damage is mended by pushes; no donors"
            : $"  damage is mended by pushes and from {string.Join(", ", server.Heal.Donors.Select(NameOf))}");
        if (server.Retention.Count == 0)
            output.WriteLine("  no retention: no image goes by itself");
        foreach (var rule in server.Retention)
            output.WriteLine($"  retention of {string.Join(", ", rule.Registries)}: {string.Join(", ", rule.Repositories)}: {Describe(rule)}");
    }

    public static void WriteJson(ServerOptions server, Utf8JsonWriter json)
    {
        json.WriteStartArray("retention");
        foreach (var rule in server.Retention)
        {
            json.WriteStartObject();
            WriteTexts(json, "registries", rule.Registries);
            WriteTexts(json, "repositories", rule.Repositories);
            json.WriteBoolean("removesTagged", rule.RemovesTagged);
            json.WriteBoolean("removesUntagged", rule.UntaggedAfter is not null);
            json.WriteString("schedule", rule.Schedule);
            json.WriteString("summary", Describe(rule));
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    internal static string Describe(RetentionOptions rule)
    {
        var parts = new List<string>();
        if (rule.RemovesTagged)
            parts.Add($"keeps {string.Join(", ", Reasons(rule))}; other tagged images go");
        else
            parts.Add("keeps every tagged image");
        parts.Add(rule.UntaggedAfter is { } untagged ? $"images without a tag go after {Format(untagged)}" : "images without a tag stay");
        if (rule.ImmutableTags.Count > 0)
            parts.Add($"tags {string.Join(' ', rule.ImmutableTags)} can't be moved");
        if (rule.InUse.Count > 0)
            parts.Add($"what {string.Join(", ", rule.InUse)} {(rule.InUse.Count == 1 ? "names" : "name")} stays");
        if (rule.RemovesTagged || rule.UntaggedAfter is not null)
            parts.Add($"at most {rule.MaxRemovedPercent}% of a repository at once; {(rule.Schedule is null ? "only by command" : $"runs at {rule.Schedule}")}");
        return string.Join("; ", parts);
    }

    private static IEnumerable<string> Reasons(RetentionOptions rule)
    {
        if (rule.KeepNewest is { } newest)
            yield return $"the newest {newest}";
        if (rule.KeepTags.Count > 0)
            yield return $"tags {string.Join(' ', rule.KeepTags)}";
        if (rule.KeepPulledWithin is { } pulled)
            yield return $"what was pulled within {Format(pulled)}";
        if (rule.KeepYoungerThan is { } young)
            yield return $"what was pushed within {Format(young)}";
    }

    private static string NameOf(DonorOptions donor) => donor.Registry?.OriginalString ?? donor.Folder!;

    // 7d says more than 168h; 24h as much as 1d, and is what people write.
    internal static string Format(TimeSpan value) =>
        value > TimeSpan.FromDays(1) && value.Ticks % TimeSpan.TicksPerDay == 0 ? $"{value.Days}d" : Quantity.Format(value);

    private static void WriteTexts(Utf8JsonWriter json, string name, IEnumerable<string> texts)
    {
        json.WriteStartArray(name);
        foreach (var text in texts)
            json.WriteStringValue(text);
        json.WriteEndArray();
    }
}
