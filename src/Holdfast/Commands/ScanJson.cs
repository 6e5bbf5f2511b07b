using System.Text;
using System.Text.Json;
using Holdfast.Doctor.Registry2;
using Holdfast.Doctor.Scan;
using Holdfast.Oci;

namespace Holdfast.Commands;

/// <summary><c>holdfast scan --json</c>; docs/scan.md describes it.</summary>
internal static class ScanJson
{
    public static async Task WriteAsync(ScanReport report, TextWriter output)
    {
        using var buffer = new MemoryStream();
        await using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteBoolean("clean", report.IsClean);
            json.WriteBoolean("fast", report.Fast);
            json.WriteNumber("findings", report.Registries.Sum(static registry => registry.Findings.Count));
            json.WriteNumber("brokenTags", report.Registries.Sum(static registry => registry.Counts.BrokenTags));
            json.WriteNumber("brokenReferences", report.Registries.Sum(static registry => registry.Counts.BrokenReferences));
            json.WriteStartArray("registries");
            foreach (var registry in report.Registries)
                Write(json, registry);
            json.WriteEndArray();
            json.WriteStartArray("passedOver");
            foreach (var problem in report.PassedOver)
                WriteProblem(json, problem.Path, problem.Detail);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        await output.WriteLineAsync(Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length));
    }

    private static void Write(Utf8JsonWriter json, RegistryReport registry)
    {
        json.WriteStartObject();
        json.WriteString("name", registry.Folder.Name);
        json.WriteString("folder", registry.Folder.DataFolder);
        json.WriteString("kind", registry.Folder.IsCache ? "cache" : "hosted");
        Write(json, registry.Counts);
        json.WriteStartArray("findings");
        foreach (var finding in registry.Findings)
            Write(json, finding);
        json.WriteEndArray();
        json.WriteStartArray("notes");
        foreach (var note in registry.Notes)
            WriteProblem(json, note.Path, note.Detail, note.Kind);
        json.WriteEndArray();
        json.WriteStartArray("layerLinksWithoutData");
        foreach (var (repository, digest) in registry.IdleLayerLinks)
        {
            json.WriteStartObject();
            json.WriteString("repository", repository.ToString());
            json.WriteString("digest", digest.ToString());
            json.WriteEndObject();
        }
        json.WriteEndArray();
        WriteUploads(json, registry);
        WriteHistory(json, registry);
        json.WriteEndObject();
    }

    private static void WriteUploads(Utf8JsonWriter json, RegistryReport registry)
    {
        json.WriteStartArray("uploads");
        foreach (var (repository, upload) in registry.Uploads)
        {
            json.WriteStartObject();
            json.WriteString("repository", repository.ToString());
            json.WriteString("id", upload.Id);
            json.WriteNumber("size", upload.SizeBytes);
            json.WriteString("startedAt", upload.StartedAt.UtcDateTime);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void WriteHistory(Utf8JsonWriter json, RegistryReport registry)
    {
        json.WriteStartArray("history");
        foreach (var old in registry.History)
        {
            json.WriteStartObject();
            json.WriteString("repository", old.Repository.ToString());
            json.WriteString("tag", old.Tag.ToString());
            json.WriteString("digest", old.Digest.ToString());
            if (old.PushedAt is { } pushed)
                json.WriteString("pushedAt", pushed.UtcDateTime);
            json.WriteBoolean("linked", old.IsLinked);
            json.WriteString("bytes", ScanWords.Of(old.State));
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter json, ScanCounts counts)
    {
        json.WriteStartObject("counts");
        json.WriteNumber("repositories", counts.Repositories);
        json.WriteNumber("tags", counts.Tags);
        json.WriteNumber("manifests", counts.Manifests);
        json.WriteNumber("indexes", counts.Indexes);
        json.WriteNumber("wholeChildren", counts.WholeChildren);
        json.WriteNumber("blobs", counts.Blobs);
        json.WriteNumber("blobBytes", counts.BlobBytes);
        json.WriteNumber("brokenTags", counts.BrokenTags);
        json.WriteNumber("brokenReferences", counts.BrokenReferences);
        json.WriteNumber("partialIndexes", counts.PartialIndexes);
        json.WriteNumber("absentChildren", counts.AbsentChildren);
        json.WriteNumber("untaggedManifests", counts.Untagged);
        json.WriteNumber("historicTags", counts.HistoricTags);
        json.WriteNumber("layerLinksWithoutData", counts.IdleLayerLinks);
        json.WriteNumber("deletedLinks", counts.DeletedLinks);
        json.WriteNumber("uploads", counts.Uploads);
        json.WriteNumber("uploadBytes", counts.UploadBytes);
        json.WriteNumber("unneededBlobs", counts.IdleBlobs);
        json.WriteNumber("unneededBlobBytes", counts.IdleBlobBytes);
        json.WriteNumber("unusableManifests", counts.Unusable);
        json.WriteNumber("missingSubjects", counts.MissingSubjects);
        json.WriteNumber("changed", counts.Changed);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, ScanFinding finding)
    {
        json.WriteStartObject();
        json.WriteString("kind", ScanWords.Of(finding.Kind));
        if (!finding.Repository.IsNone)
            json.WriteString("repository", finding.Repository.ToString());
        if (!finding.Digest.IsNone)
            json.WriteString("digest", finding.Digest.ToString());
        if (finding.Name.Length > 0)
            json.WriteString("name", finding.Name);
        WriteTexts(json, "tags", finding.Tags);
        WriteTexts(json, "parents", finding.Parents);
        json.WriteString("link", ScanWords.Of(finding.Link));
        json.WriteStartArray("missing");
        foreach (var part in finding.Missing)
        {
            json.WriteStartObject();
            json.WriteString("role", ScanWords.Of(part.Role));
            json.WriteString("digest", part.Content.Digest.ToString());
            json.WriteNumber("size", part.Content.SizeBytes);
            json.WriteString("state", ScanWords.Of(part.Why));
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("missingLinks");
        foreach (var link in finding.Links)
        {
            json.WriteStartObject();
            json.WriteString("kind", link.Kind == LinkKind.Revision ? "revision" : "layer");
            json.WriteString("digest", link.Digest.ToString());
            json.WriteString("was", ScanWords.Of(link.Was));
            json.WriteEndObject();
        }
        json.WriteEndArray();
        WriteTexts(json, "seenIn", finding.Donors);
        if (finding.Path is { } path)
            json.WriteString("path", path);
        if (finding.Detail is { } detail)
            json.WriteString("detail", detail);
        json.WriteString("means", ScanWords.Meaning(finding.Kind));
        json.WriteString("mends", ScanWords.Remedy(finding.Kind));
        json.WriteEndObject();
    }

    private static void WriteTexts<T>(Utf8JsonWriter json, string name, IEnumerable<T> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values)
            json.WriteStringValue(value!.ToString());
        json.WriteEndArray();
    }

    private static void WriteProblem(Utf8JsonWriter json, string path, string detail, string? kind = null)
    {
        json.WriteStartObject();
        if (kind is not null)
            json.WriteString("kind", kind);
        json.WriteString("path", path);
        json.WriteString("detail", detail);
        json.WriteEndObject();
    }
}
