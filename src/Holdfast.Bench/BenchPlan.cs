using Holdfast.Bench.Loops;

namespace Holdfast.Bench;

/// <summary>What is done to the servers, as the command line says it; the units are in the types.</summary>
internal sealed record BenchPlan
{
    public const int MaxConnections = 500;

    public required IReadOnlyList<Workload> Workloads { get; init; }

    /// <summary>Of a layer, in bytes; a workload that has sizes is run once with each.</summary>
    public required IReadOnlyList<long> Sizes { get; init; }

    public int Connections { get; init; } = 16;

    /// <summary>Of the reading workloads over plain HTTP; the others have one for each connection.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;

    public TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Ends a measurement instead of the duration; null: the duration does.</summary>
    public int? Requests { get; init; }

    public TimeSpan Warmup { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Requests a second of an open loop; null: a closed one.</summary>
    public double? Rate { get; init; }

    public int Layers { get; init; } = 1;

    /// <summary>To read from, in each repository.</summary>
    public int Images { get; init; } = 1;

    public int Repositories { get; init; } = 1;

    /// <summary>Of the lists that are read page by page.</summary>
    public int Entries { get; init; } = 100;

    /// <summary>Bytes that a range request asks for.</summary>
    public long PartBytes { get; init; } = 64 << 10;

    public Upload Upload { get; init; } = Upload.Patch;

    /// <summary>What <see cref="Workload.Get"/> asks for.</summary>
    public string? Path { get; init; }

    /// <summary>Hash what is pulled?</summary>
    public bool Verify { get; init; }

    public required ulong Seed { get; init; }

    public int Rounds { get; init; } = 1;

    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>Delete what was made?</summary>
    public bool Clean { get; init; }

    /// <summary>Where images are pushed that are then pulled through caches.</summary>
    public BenchServer? Upstream { get; init; }

    public IReadOnlyList<Scenario> Scenarios() =>
    [
        .. Workloads.SelectMany(workload => Loops.Workloads.HasSize(workload)
            ? Sizes.Select(size => new Scenario(workload, size, DataSet.Of(this, workload, size)))
            : [new Scenario(workload, Scenario.SmallBytes, DataSet.Of(this, workload, null))]),
    ];
}

/// <summary>One workload at one size.</summary>
internal sealed record Scenario(Workload Workload, long SizeBytes, DataSet DataSet)
{
    /// <summary>Of a layer where its size doesn't matter.</summary>
    public const long SmallBytes = 1024;
}
