using System.Text.Json;
using Holdfast.Oci;
using Holdfast.Server;

namespace Holdfast.Configuration;

/// <summary>Says what <c>config check</c> found.</summary>
internal static class ConfigurationReport
{
    // Beyond this, lines repeat one cause.
    private const int MaxProblems = 100;

    public static void Write(LoadResult result, TextWriter output)
    {
        WriteProblems(result.Problems, output);
        if (result.Configuration is not { } configuration)
            return;
        output.WriteLine(result.Problems.Count == 0 ? $"{configuration.File ?? "no file"}: fine" : "It would start, and serve:");
        foreach (var listener in configuration.Server.Listeners)
            WriteListener(configuration, listener, output);
        CacheReport.Write(configuration.Server, output);
        output.WriteLine($"  data: {configuration.DataFolder}");
        IntegrityReport.Write(configuration.Server, output);
        foreach (var note in configuration.Notes)
            output.WriteLine($"  note: {note}");
    }

    public static void WriteProblems(IReadOnlyList<Problem> problems, TextWriter output)
    {
        foreach (var problem in problems.Take(MaxProblems))
            output.WriteLine(problem.ToString());
        if (problems.Count > MaxProblems)
            output.WriteLine($"and {problems.Count - MaxProblems} more");
    }

    public static void WriteJson(LoadResult result, Stream output)
    {
        using (output)
        using (var json = new Utf8JsonWriter(output, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteBoolean("fine", result.Problems.Count == 0);
            json.WriteBoolean("starts", result.Configuration is not null);
            json.WriteStartArray("problems");
            foreach (var problem in result.Problems)
                WriteProblem(json, problem);
            json.WriteEndArray();
            if (result.Configuration is { } configuration)
                WriteServed(json, configuration);
            json.WriteEndObject();
            json.Flush();
            output.WriteByte((byte)'\n');
        }
    }

    private static void WriteProblem(Utf8JsonWriter json, Problem problem)
    {
        json.WriteStartObject();
        json.WriteString("source", problem.Origin.Text);
        if (problem.Origin.Line is { } line)
            json.WriteNumber("line", line);
        json.WriteString("key", problem.Key);
        json.WriteString("message", problem.Text);
        json.WriteString("weight", problem.Weight == ProblemWeight.Error ? "error" : "finding");
        json.WriteEndObject();
    }

    private static void WriteServed(Utf8JsonWriter json, HoldfastConfiguration configuration)
    {
        json.WriteString("data", configuration.DataFolder);
        json.WriteStartArray("listeners");
        foreach (var listener in configuration.Server.Listeners)
        {
            json.WriteStartObject();
            json.WriteString("url", listener.Url.OriginalString);
            json.WriteString("registry", listener.Registry);
            json.WriteBoolean("users", Served(configuration, listener).All(r => r.Auth is not null));
            json.WriteEndObject();
        }

        json.WriteEndArray();
        CacheReport.WriteJson(configuration.Server, json);
        IntegrityReport.WriteJson(configuration.Server, json);
        json.WriteStartArray("notes");
        foreach (var note in configuration.Notes)
            json.WriteStringValue(note);
        json.WriteEndArray();
    }

    private static void WriteListener(HoldfastConfiguration configuration, ListenerOptions listener, TextWriter output)
    {
        var served = Served(configuration, listener);
        if (listener.ServesEveryCache)
            output.WriteLine($"  {listener.Url.OriginalString} serves every cache, chosen by ?ns=:");
        foreach (var registry in served)
        {
            output.WriteLine(listener.ServesEveryCache
                ? $"    {registry.Cache!.Upstream.Namespace}: {registry.Name} ({Describe(registry)})"
                : $"  {listener.Url.OriginalString} serves {(registry.Cache is null ? "registry" : "cache")} {registry.Name} ({Describe(registry)})");
        }
    }

    private static string Describe(RegistryOptions registry)
    {
        if (registry.Auth is not { } auth)
            return "open: no users";
        var anonymous = auth.Anonymous == 0 ? "" : ", anonymous pull";
        return $"users of {auth.HtpasswdFile}, {(auth.Token is null ? "Basic" : "Bearer and Basic")}{anonymous}, {Counted.Of(auth.Access.Count, "rule")}";
    }

    private static IEnumerable<RegistryOptions> Served(HoldfastConfiguration configuration, ListenerOptions listener) =>
        configuration.Server.Registries.Where(r => listener.ServesEveryCache ? r.Cache is not null : r.Name == listener.Registry);
}
