using System.Text.Json;
using System.Text.Json.Serialization;

namespace Holdfast.Bench.Report;

/// <summary>All that one call of the program measured, or several calls together. Its names are those of the JSON (docs/bench.md).</summary>
internal sealed record BenchReport
{
    public const int CurrentFormat = 1;

    private static readonly JsonSerializerOptions Web = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        WriteIndented = true,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public int Format { get; init; } = CurrentFormat;

    public required string Program { get; init; }

    public required DateTimeOffset Begun { get; init; }

    public ulong Seed { get; init; }

    /// <summary>False: it was stopped, and holds what was measured by then.</summary>
    public bool Complete { get; init; } = true;

    public required GeneratorMachine Machine { get; init; }

    public required IReadOnlyList<ServerOfReport> Servers { get; init; }

    public required IReadOnlyList<Comparison> Measurements { get; init; }

    /// <summary>What a server could not do, or refused.</summary>
    public IReadOnlyList<Unmeasured> NotMeasured { get; init; } = [];

    public IReadOnlyList<Left> LeftBehind { get; init; } = [];

    [JsonIgnore]
    public long Failed => Measurements.Sum(static one => one.Results.Sum(static result => result.Rounds.Sum(static round => round.Failed)));

    public string ToJson() => JsonSerializer.Serialize(this, Web);

    /// <exception cref="BenchFault">It is none.</exception>
    public static BenchReport Read(string json, string name)
    {
        if (string.IsNullOrWhiteSpace(json))
            throw new BenchFault($"{name} is no report of `holdfast bench --json`: it is empty");
        try
        {
            // Before the rest, which another format may not have.
            if (JsonSerializer.Deserialize<FormatOnly>(json, Web) is { Format: > CurrentFormat and var format })
                throw new BenchFault($"{name} was written by a newer program (format {format}; {CurrentFormat} is known here)");
            if (JsonSerializer.Deserialize<BenchReport>(json, Web) is not { Format: > 0 } report)
                throw new BenchFault($"{name} is no report of `holdfast bench --json`");
            return FlawOf(report) is { } flaw ? throw new BenchFault($"{name} is no report of `holdfast bench --json`: {flaw}") : report;
        }
        catch (JsonException e)
        {
            throw new BenchFault($"{name} is no report of `holdfast bench --json`: {Complaint(e)}", e);
        }
    }

    // What only an edit by hand makes of a report.
    private static string? FlawOf(BenchReport report)
    {
        var rounds = report.Measurements.SelectMany(static one => one?.Results ?? []).SelectMany(static result => result?.Rounds ?? []).ToList();
        if (report.Servers.Contains(null!) || report.NotMeasured.Contains(null!) || rounds.Contains(null!) || rounds.Exists(static round => round.Parts?.Values.Contains(null!) == true)
            || report.Measurements.Any(static one => one?.Results.Contains(null!) != false))
            return "null stands in one of its lists";
        if (report.Servers.CountBy(static server => server.Name, StringComparer.Ordinal).FirstOrDefault(static one => one.Value > 1).Key is { } twice)
            return $"two of its servers are called {twice}";
        if (report.Measurements.SelectMany(static one => one.Results).FirstOrDefault(result => report.Servers.All(server => server.Name != result.Server)) is { } stray)
            return $"it holds results of {stray.Server}, which is none of its servers";
        if (report.Measurements.Any(static one => one.Results.Count == 0 || one.Results.Any(static result => result.Rounds.Count == 0)))
            return "one of its measurements has no results, or no rounds";
        return rounds.Exists(static round => round.Completed < 0 || round.RequestsPerSecond < 0 || round.BytesPerSecond < 0 || round.Errors.Values.Any(static errors => errors < 0))
            ? "a number below 0 stands where something was counted"
            : null;
    }

    // "line 7, $.measurements[0].dataSet: lacks 'loop'": .NET says what is missing only in its message, after the names of its types.
    private static string Complaint(JsonException e)
    {
        const string Before = "missing required properties including: ";
        var at = e.LineNumber is { } line ? $"line {line + 1}{(e.Path is { Length: > 1 } path ? $", {path}" : "")}: " : "";
        var missing = e.Message.IndexOf(Before, StringComparison.Ordinal);
        return missing < 0 ? $"{at}can't be read" : $"{at}lacks {e.Message[(missing + Before.Length)..].Split(". ")[0].TrimEnd('.')}";
    }

    private sealed record FormatOnly(int Format);
}

/// <summary>Where the requests came from.</summary>
internal sealed record GeneratorMachine(int Cores, string System);

/// <param name="Authorization">Basic or Bearer; null: none.</param>
internal sealed record ServerOfReport(string Name, string Url, bool Tls, string? Authorization = null);

/// <summary>One data set, and what it found for each server.</summary>
/// <param name="Id">Of the data set: the same only for the same.</param>
internal sealed record Comparison(DataSet DataSet, string Id, IReadOnlyList<ServerResult> Results);

internal sealed record Unmeasured(string Server, DataSet DataSet, string Reason);

/// <summary>What was left in a server, or taken away again.</summary>
internal sealed record Left(string Server, string Repositories, long Manifests, long Bytes, long Deleted, string? Refused = null);
