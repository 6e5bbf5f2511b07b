using System.Text;
using System.Text.Json;
using Holdfast.Oci;
using Holdfast.Storage.Journal;

namespace Holdfast.Commands;

/// <summary>What <c>holdfast rebuild</c> says.</summary>
internal static class RebuildText
{
    public static async Task WriteAsync(RebuildReport report, bool isDry, string? old, TextWriter output)
    {
        await output.WriteLineAsync(
            $"{(isDry ? "would rebuild" : "rebuilt")} from {Counted.Of(report.Changes, "change")} of the journal: {Counted.Of(report.Manifests, "manifest")}, {Counted.Of(report.Tags, "tag")} "
            + $"and {Counted.Of(report.Links, "link")} in {Counted.Of(report.Repositories, "repository", "repositories")}, {Counted.Of(report.Trashed, "thing")} in the trash");
        foreach (var damage in report.Damage)
            await output.WriteLineAsync($"journal: {damage}");
        foreach (var refused in report.Refused)
            await output.WriteLineAsync($"not replayed: {refused}");
        foreach (var lost in report.LostManifests)
        {
            var tags = lost.Tags.Count == 0 ? "no tag" : string.Join(", ", lost.Tags);
            await output.WriteLineAsync($"manifest without bytes: {lost.Registry}/{lost.Repository.Name}@{lost.Digest} ({tags}); a push of the same image heals it");
        }
        foreach (var blob in report.MissingBlobs)
        {
            var found = blob.FoundBytes is { } bytes ? $"{Counted.Of(bytes, "byte")} instead of {blob.SizeBytes}" : "no file";
            await output.WriteLineAsync($"blob: {blob.Digest}: {found}; a push of an image with it heals it");
        }
        if (report.UnknownBlobs > 0)
            await output.WriteLineAsync($"{Counted.Of(report.UnknownBlobs, "blob")} that nothing refers to, {Counted.Of(report.UnknownManifests, "manifest")} among them; the collection takes what no push uses");
        if (old is not null)
            await output.WriteLineAsync($"the old database is kept as {old}");
    }

    public static async Task WriteJsonAsync(RebuildReport report, bool isDry, string? old, TextWriter output)
    {
        using var buffer = new MemoryStream();
        await using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
            Write(json, report, isDry, old);
        await output.WriteLineAsync(Encoding.UTF8.GetString(buffer.ToArray()));
    }

    private static void Write(Utf8JsonWriter json, RebuildReport report, bool isDry, string? old)
    {
        json.WriteStartObject();
        json.WriteBoolean("dryRun", isDry);
        json.WriteBoolean("complete", report.IsComplete);
        json.WriteNumber("changes", report.Changes);
        json.WriteNumber("repositories", report.Repositories);
        json.WriteNumber("manifests", report.Manifests);
        json.WriteNumber("tags", report.Tags);
        json.WriteNumber("links", report.Links);
        json.WriteNumber("trashed", report.Trashed);
        WriteTexts(json, "damage", report.Damage);
        WriteTexts(json, "refused", report.Refused);
        json.WriteStartArray("lostManifests");
        foreach (var lost in report.LostManifests)
        {
            json.WriteStartObject();
            json.WriteString("registry", lost.Registry);
            json.WriteString("repository", lost.Repository.Name.ToString());
            json.WriteString("digest", lost.Digest.ToString());
            WriteTexts(json, "tags", lost.Tags.Select(tag => tag.ToString()));
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("missingBlobs");
        foreach (var blob in report.MissingBlobs)
        {
            json.WriteStartObject();
            json.WriteString("digest", blob.Digest.ToString());
            json.WriteNumber("size", blob.SizeBytes);
            if (blob.FoundBytes is { } found)
                json.WriteNumber("found", found);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteNumber("unknownBlobs", report.UnknownBlobs);
        json.WriteNumber("unknownManifests", report.UnknownManifests);
        if (old is not null)
            json.WriteString("oldDatabase", old);
        json.WriteEndObject();
    }

    private static void WriteTexts(Utf8JsonWriter json, string name, IEnumerable<string> texts)
    {
        json.WriteStartArray(name);
        foreach (var text in texts)
            json.WriteStringValue(text);
        json.WriteEndArray();
    }
}
