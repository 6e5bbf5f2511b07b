using System.Globalization;
using Holdfast.Load.Http;

namespace Holdfast.Load.Run;

/// <summary>What one measurement does.</summary>
internal sealed record RunOptions
{
    public required Target Target { get; init; }

    public required string Url { get; init; }

    public required Workload Workload { get; init; }

    public required int Connections { get; init; }

    public required int Threads { get; init; }

    public required TimeSpan Duration { get; init; }

    /// <summary>Ends the run instead of the duration when set.</summary>
    public required int? Requests { get; init; }

    public required TimeSpan Warmup { get; init; }

    /// <summary>Requests a second of an open loop; null for a closed one.</summary>
    public required double? Rate { get; init; }

    public required long Size { get; init; }

    public required Upload Upload { get; init; }

    public required string Repository { get; init; }

    public required string? Path { get; init; }

    public required int Entries { get; init; }

    public required bool Verify { get; init; }

    public required ulong Seed { get; init; }

    public required IReadOnlyList<int> Processes { get; init; }

    public static RunOptions Read(Arguments arguments)
    {
        var workload = ReadWorkload(arguments.Required("workload"));
        var connections = Math.Max(1, arguments.Count("connections", 16));
        var requests = arguments.Has("requests") ? Math.Max(1, arguments.Count("requests", 0)) : (int?)null;
        var path = arguments.Text("path");
        if (workload == Workload.Get && path?.StartsWith('/') != true)
            throw new UsageException("--workload get needs --path /…");

        return new RunOptions
        {
            Target = TargetFrom(arguments),
            Url = arguments.Required("url"),
            Workload = workload,
            Connections = connections,
            Threads = Math.Clamp(arguments.Count("threads", Environment.ProcessorCount), 1, connections),
            Duration = arguments.Duration("duration", TimeSpan.FromSeconds(10)),
            Requests = requests,
            Warmup = arguments.Duration("warmup", requests is null ? TimeSpan.FromSeconds(1) : TimeSpan.Zero),
            Rate = ReadRate(arguments),
            Size = arguments.Size("size", workload == Workload.SmallPush ? 1024 : 1 << 20),
            Upload = ReadUpload(arguments.Text("upload") ?? (workload == Workload.SmallPush ? "put" : "patch")),
            Repository = arguments.Text("repository") ?? "bench/load",
            Path = path,
            Entries = arguments.Count("entries", 100),
            Verify = arguments.Has("verify"),
            Seed = ReadSeed(arguments),
            Processes = [.. arguments.All("pid").Select(ReadPid)],
        };
    }

    /// <summary>The server and who asks it; passwords come from a file or standard input, since arguments are public.</summary>
    public static Target TargetFrom(Arguments arguments)
    {
        var user = arguments.Text("user");
        var password = arguments.Has("password-stdin") ? Console.In.ReadToEnd().TrimEnd('\r', '\n')
            : arguments.Text("password-file") is not { } file ? null
            : File.Exists(file) ? File.ReadAllText(file).TrimEnd('\r', '\n')
            : throw new UsageException($"--password-file: there is no file '{file}'");
        if (user is null != password is null)
            throw new UsageException("--user needs --password-stdin or --password-file, and they need it");
        return Target.Parse(arguments.Required("url"), user, password);
    }

    /// <summary>A seed that differs from run to run unless it is given, so that a second run finds nothing already there.</summary>
    public static ulong ReadSeed(Arguments arguments) =>
        arguments.Text("seed") is not { } text ? (ulong)Random.Shared.NextInt64()
        : ulong.TryParse(text, CultureInfo.InvariantCulture, out var seed) ? seed
        : throw new UsageException($"--seed: '{text}' is not a number");

    private static Workload ReadWorkload(string text) =>
        Enum.TryParse<Workload>(text.Replace("-", "", StringComparison.Ordinal), ignoreCase: true, out var workload) && !char.IsAsciiDigit(text[0])
            ? workload
            : throw new UsageException($"--workload: there is no '{text}'");

    private static Upload ReadUpload(string text) => text switch
    {
        "patch" => Upload.Patch,
        "put" => Upload.Put,
        _ => throw new UsageException($"--upload: '{text}' is neither patch nor put"),
    };

    private static double? ReadRate(Arguments arguments) =>
        arguments.Text("rate") is not { } text ? null
        : double.TryParse(text, CultureInfo.InvariantCulture, out var rate) && rate > 0 ? rate
        : throw new UsageException($"--rate: '{text}' is not a number of requests a second");

    private static int ReadPid(string text) =>
        int.TryParse(text, CultureInfo.InvariantCulture, out var pid) && Directory.Exists($"/proc/{pid}")
            ? pid
            : throw new UsageException($"--pid: there is no process '{text}'");
}
