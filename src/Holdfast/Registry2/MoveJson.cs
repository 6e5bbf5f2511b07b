using System.Text;
using System.Text.Json;
using Holdfast.Configuration;

namespace Holdfast.Registry2;

/// <summary>The same as one JSON object.</summary>
internal static class MoveJson
{
    public static void Write(MoveOutcome outcome, TextWriter output)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteBoolean("fine", outcome.Result.IsFine && outcome.Check is { Problems.Count: 0 });
            json.WriteBoolean("starts", outcome.Check?.Configuration is not null);
            WriteProblems(json, "problems", outcome.Result.Problems);
            json.WriteStartArray("files");
            foreach (var file in outcome.Result.Files)
                WriteFile(json, file);
            json.WriteEndArray();
            WriteProblems(json, "check", outcome.Check?.Problems ?? []);
            json.WriteStartArray("written");
            foreach (var path in outcome.Written)
                json.WriteStringValue(path);
            json.WriteEndArray();
            json.WriteString("configuration", outcome.Result.Configuration);
            json.WriteEndObject();
        }

        output.WriteLine(Encoding.UTF8.GetString(buffer.ToArray()));
    }

    private static void WriteFile(Utf8JsonWriter json, MovedFile file)
    {
        json.WriteStartObject();
        json.WriteString("file", file.File);
        json.WriteString("registry", file.Registry.Name);
        json.WriteString("kind", file.Registry.Upstream is null ? "hosted" : "cache");
        json.WriteString("root", file.Registry.Root);
        json.WriteStartArray("settings");
        foreach (var remark in file.Remarks)
        {
            json.WriteStartObject();
            json.WriteString("key", remark.Key);
            json.WriteString("source", remark.Origin.Text);
            if (remark.Origin.Line is { } line)
                json.WriteNumber("line", line);
            json.WriteString("verdict", MoveText.Word(remark.Verdict).Replace(' ', '-'));
            json.WriteString("message", remark.Text);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        if (file.Users is { } users)
        {
            json.WriteStartObject("users");
            json.WriteString("file", users.File);
            json.WriteNumber("taken", users.Lines.Count);
            json.WriteStartArray("left");
            foreach (var left in users.Left)
                json.WriteStringValue(left);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private static void WriteProblems(Utf8JsonWriter json, string name, IReadOnlyList<Problem> problems)
    {
        json.WriteStartArray(name);
        foreach (var problem in problems)
        {
            json.WriteStartObject();
            json.WriteString("source", problem.Origin.Text);
            json.WriteString("key", problem.Key);
            json.WriteString("message", problem.Text);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
