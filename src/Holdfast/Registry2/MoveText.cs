using System.Globalization;
using Holdfast.Configuration;
using Holdfast.Oci;

namespace Holdfast.Registry2;

/// <summary>Tells people what became of it.</summary>
internal static class MoveText
{
    public static void Write(MoveOutcome outcome, MoveRequest request, TextWriter output)
    {
        ConfigurationReport.WriteProblems(outcome.Result.Problems, output);
        foreach (var file in outcome.Result.Files)
            WriteFile(file, output);
        if (outcome.Check is not { } check)
        {
            if (outcome.Result.Files.Any(file => file.Remarks.Any(remark => remark.Verdict == Verdict.Wrong)))
                output.WriteLine("The old registry doesn't start with what is marked wrong; nothing was made of it.");
            return;
        }

        if (check.Problems.Count > 0)
        {
            output.WriteLine("The new configuration needs this before a server starts with it:");
            ConfigurationReport.WriteProblems(check.Problems, output);
        }

        Next(outcome, request, output);
    }

    /// <summary>As it stands in front of a line; also in --json, with dashes.</summary>
    public static string Word(Verdict verdict) => verdict switch
    {
        Verdict.Taken => "taken",
        Verdict.NotNeeded => "not needed",
        Verdict.NotHere => "not here",
        Verdict.Unknown => "unknown",
        _ => "wrong",
    };

    private static void WriteFile(MovedFile file, TextWriter output)
    {
        var registry = file.Registry;
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{file.File}: registry {registry.Name}, {(registry.Upstream is null ? "hosted" : $"cache of {registry.Upstream.Namespace}")}, on http{(registry.Listener.IsHttps ? "s" : "")}://{registry.Listener.Host}:{registry.Listener.Port}"));
        foreach (var remark in file.Remarks.OrderByDescending(remark => remark.IsFinding).ThenByDescending(remark => remark.Verdict))
            output.WriteLine($"  {Word(remark.Verdict),-10}  {OneLine(remark.Key)}{Where(file, remark)}: {OneLine(remark.Text)}");
        if (file.Users is { } users)
        {
            output.WriteLine($"  users of {users.File}: {users.Lines.Count} taken, {users.Left.Count} not");
            foreach (var left in users.Left)
                output.WriteLine($"    {OneLine(left)}");
        }
    }

    private static string Where(MovedFile file, Remark remark) =>
        remark.Origin.Text == file.File || remark.Origin.Text.StartsWith(remark.Key, StringComparison.Ordinal) ? ""
        : remark.Origin.Line is { } line && remark.Origin.Text.StartsWith(file.File, StringComparison.Ordinal) ? string.Create(CultureInfo.InvariantCulture, $" (line {line})")
        : $" ({remark.Origin.Text})";

    private static void Next(MoveOutcome outcome, MoveRequest request, TextWriter output)
    {
        foreach (var path in outcome.Written)
            output.WriteLine($"written: {path}");
        foreach (var registry in outcome.Result.Files.Select(file => file.Registry).Where(registry => registry is { Root: not null, Upstream: null }))
            output.WriteLine($"next, for the images of {registry.Name}: holdfast import {registry.Root} --data {request.Data}");
        var findings = outcome.Result.Files.Sum(file => file.Remarks.Count(remark => remark.IsFinding) + (file.Users?.Left.Count ?? 0));
        output.WriteLine(findings == 0 ? "Nothing is lost on the way." : $"{Counted.Of(findings, "thing")} to look at: those marked \"not here\" and \"unknown\"{(outcome.Result.Files.Any(file => file.Users is { Left.Count: > 0 }) ? ", and users" : "")}.");
    }

    private static string OneLine(string text) => string.Concat(text.Select(c => char.IsControl(c) ? '\uFFFD' : c));
}
