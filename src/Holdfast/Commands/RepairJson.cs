using System.Text;
using System.Text.Json;
using Holdfast.Doctor.Repair;

namespace Holdfast.Commands;

/// <summary><c>holdfast repair --json</c>; docs/repair.md describes it.</summary>
internal static class RepairJson
{
    public static async Task WriteAsync(IReadOnlyList<RepairOutcome> outcomes, bool apply, IReadOnlyList<FolderUser> users, TextWriter output)
    {
        using var buffer = new MemoryStream();
        await using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteBoolean("applied", apply);
            json.WriteBoolean("whole", outcomes.All(static outcome => outcome.IsWhole));
            json.WriteBoolean("restartNeeded", apply && outcomes.Any(static outcome => outcome.Repair.Steps.Count > 0));
            json.WriteBoolean("upgradeUnsafe", outcomes.Any(outcome => outcome.Traps.Count > 0 || (!apply && outcome.Scan.Findings.Count > 0)));
            json.WriteStartArray("users");
            foreach (var user in users)
            {
                json.WriteStartObject();
                json.WriteNumber("process", user.ProcessId);
                json.WriteString("command", user.Command);
                json.WriteString("how", user.How);
                json.WriteBoolean("certain", user.IsCertain);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteStartArray("registries");
            foreach (var outcome in outcomes)
                Write(json, outcome);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        await output.WriteLineAsync(Encoding.UTF8.GetString(buffer.ToArray()));
    }

    private static void Write(Utf8JsonWriter json, RepairOutcome outcome)
    {
        json.WriteStartObject();
        json.WriteString("name", outcome.Scan.Folder.Name);
        json.WriteString("folder", outcome.Scan.Folder.DataFolder);
        json.WriteNumber("findings", outcome.Scan.Findings.Count);
        json.WriteNumber("mended", outcome.Scan.Findings.Count - outcome.Left.Count);
        if (outcome.Repair.JournalFolder is { } journal)
            json.WriteString("journal", journal);
        json.WriteStartArray("steps");
        foreach (var step in outcome.Repair.Steps)
        {
            json.WriteStartObject();
            json.WriteString("kind", RepairText.Of(step.Kind));
            json.WriteString("repository", step.Repository.ToString());
            json.WriteString("digest", step.Digest.ToString());
            if (step.Source is { } source)
                json.WriteString("source", source);
            if (step.SizeBytes is { } size)
                json.WriteNumber("size", size);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("unmended");
        foreach (var lost in outcome.Repair.Unmended)
        {
            json.WriteStartObject();
            json.WriteString("repository", lost.Repository.ToString());
            json.WriteString("manifest", lost.Manifest.ToString());
            json.WriteString("role", ScanWords.Of(lost.Role));
            json.WriteString("digest", lost.Digest.ToString());
            json.WriteString("why", lost.Why);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("left");
        foreach (var left in outcome.Left)
        {
            json.WriteStartObject();
            json.WriteString("kind", ScanWords.Of(left.Kind));
            if (!left.Repository.IsNone)
                json.WriteString("repository", left.Repository.ToString());
            if (!left.Digest.IsNone)
                json.WriteString("digest", left.Digest.ToString());
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("donorProblems");
        foreach (var problem in outcome.Repair.DonorProblems)
            json.WriteStringValue(problem);
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
