using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Holdfast.Bench.Loops;

namespace Holdfast.Bench;

/// <summary>
/// What is done to every server alike, whatever the seed. Two runs are compared only if all of it is the same: figures for other sizes, other numbers of
/// connections or another kind of loop say nothing about which server is faster. What a workload doesn't use is null.
/// </summary>
internal sealed record DataSet
{
    private static readonly JsonSerializerOptions Web = new(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    /// <summary>Counts up when the program makes other data of the same description.</summary>
    public int Generator { get; init; } = 1;

    public required string Workload { get; init; }

    public long? SizeBytes { get; init; }

    public int? Layers { get; init; }

    public int? Images { get; init; }

    public int? Repositories { get; init; }

    public int? Entries { get; init; }

    public long? PartBytes { get; init; }

    public string? Upload { get; init; }

    public string? Path { get; init; }

    public bool? Verify { get; init; }

    public int Connections { get; init; }

    /// <summary>closed or open.</summary>
    public required string Loop { get; init; }

    public double? Rate { get; init; }

    /// <summary>time or count. How long doesn't matter, how many does: the last of many pushes meets a fuller registry.</summary>
    public required string EndsBy { get; init; }

    public int? Requests { get; init; }

    public string Id()
    {
        var hash = SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(this, Web));
        return Convert.ToHexStringLower(hash.AsSpan(0, 6));
    }

    public static DataSet Of(BenchPlan plan, Workload workload, long? size)
    {
        var lists = Workloads.HasEntries(workload);
        var isGet = workload == Loops.Workload.Get;
        var reads = !lists && !isGet && workload is not (Loops.Workload.Push or Loops.Workload.Delete or Loops.Workload.ColdCache);
        var requests = plan.Requests ?? (Workloads.IsUsedUp(workload) ? Session.UsedUpRequests : null);
        return new DataSet
        {
            Workload = Workloads.NameOf(workload),
            SizeBytes = size,
            Layers = lists || isGet ? null : plan.Layers,
            Images = reads ? plan.Images : null,
            Repositories = lists || isGet ? null : plan.Repositories,
            Entries = lists ? plan.Entries : null,
            PartBytes = workload == Loops.Workload.Range ? plan.PartBytes : null,
            Upload = Workloads.Pushes(workload) ? plan.Upload.ToString().ToLowerInvariant() : null,
            Path = isGet ? plan.Path : null,
            Verify = workload is Loops.Workload.Pull or Loops.Workload.Blob or Loops.Workload.Mixed or Loops.Workload.ColdCache ? plan.Verify : null,
            Connections = plan.Connections,
            Loop = plan.Rate is null ? "closed" : "open",
            Rate = plan.Rate,
            EndsBy = requests is null ? "time" : "count",
            Requests = requests,
        };
    }

    /// <returns>For each difference its name as in JSON, and both values.</returns>
    public IReadOnlyList<(string Name, string Here, string There)> DifferencesFrom(DataSet other)
    {
        var (here, there) = (Members(this), Members(other));
        return
        [
            .. here.Select(static member => member.Key).Union(there.Select(static member => member.Key), StringComparer.Ordinal)
                .Select(name => (name, Text(here, name), Text(there, name))).Where(static one => one.Item2 != one.Item3),
        ];
    }

    /// <summary>For people: push, 1 MB, 16 connections, closed loop.</summary>
    public string Title()
    {
        var words = new List<string> { Workload };
        if (SizeBytes is { } size)
            words.Add(Quantities.Size(size));
        if (PartBytes is { } part)
            words.Add($"parts of {Quantities.Size(part)}");
        if (Layers is > 1)
            words.Add(Invariant($"{Layers} layers"));
        if (Entries is { } entries)
            words.Add(Invariant($"{entries} entries"));
        if (Repositories is > 1)
            words.Add(Invariant($"{Repositories} repositories"));
        if (Images is > 1)
            words.Add(Invariant($"{Images} images each"));
        if (Path is not null)
            words.Add(Path);
        words.Add(Connections == 1 ? "1 connection" : Invariant($"{Connections} connections"));
        words.Add(Rate is { } rate ? Invariant($"open loop at {rate:0.###}/s") : "closed loop");
        if (Requests is { } requests)
            words.Add(requests == 1 ? "1 request" : Invariant($"{requests} requests"));
        return string.Join(", ", words);
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static JsonObject Members(DataSet dataSet) => JsonSerializer.SerializeToNode(dataSet, Web)!.AsObject();

    private static string Text(JsonObject members, string name) => members.TryGetPropertyValue(name, out var value) ? value!.ToJsonString() : "none";
}
