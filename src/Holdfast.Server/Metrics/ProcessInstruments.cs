using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Reflection;

namespace Holdfast.Server.Metrics;

/// <summary>Figures of the process under the names that every Prometheus client library uses, and of .NET's memory and threads.</summary>
internal sealed class ProcessInstruments : IDisposable
{
    private readonly Meter _meter;

    public ProcessInstruments(object scope)
    {
        _meter = new Meter("Holdfast.Process", null, null, scope);
        var started = StartTime();
        var maxFds = MaxOpenFiles();
        _meter.CreateObservableCounter(
            "process_cpu_seconds_total", static () => Environment.CpuUsage.TotalTime.TotalSeconds, null, "CPU time used, user and system.");
        _meter.CreateObservableGauge("process_resident_memory_bytes", static () => Environment.WorkingSet, null, "Resident memory.");
        _meter.CreateObservableGauge("process_open_fds", static () => OpenFiles(), null, "Open file descriptors.");
        _meter.CreateObservableGauge("process_max_fds", () => maxFds, null, "Limit of open file descriptors.");
        _meter.CreateObservableGauge("process_start_time_seconds", () => started, null, "Start of the process, Unix time.");
        _meter.CreateObservableCounter("dotnet_gc_collections_total", Collections, null, "Garbage collections by generation.");
        _meter.CreateObservableGauge(
            "dotnet_gc_heap_bytes", static () => GC.GetTotalMemory(forceFullCollection: false), null, "Managed memory in use.");
        _meter.CreateObservableCounter(
            "dotnet_gc_allocated_bytes_total", static () => GC.GetTotalAllocatedBytes(), null, "Managed memory allocated so far.");
        _meter.CreateObservableCounter(
            "dotnet_gc_pause_seconds_total", static () => GC.GetTotalPauseDuration().TotalSeconds, null, "Time that collections stopped the process.");
        _meter.CreateObservableGauge("dotnet_threadpool_threads", static () => ThreadPool.ThreadCount, null, "Threads of the pool.");
        _meter.CreateObservableGauge(
            "dotnet_threadpool_queue_length", static () => ThreadPool.PendingWorkItemCount, null, "Work that waits for a thread.");
        _meter.CreateObservableGauge("holdfast_build_info", BuildInfo, null, "Always 1; its label tells the version.");
    }

    public void Dispose() => _meter.Dispose();

    private static Measurement<long> BuildInfo()
    {
        var version = typeof(ProcessInstruments).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion;
        return new Measurement<long>(1, new KeyValuePair<string, object?>("version", version ?? "unknown"));
    }

    private static IEnumerable<Measurement<long>> Collections()
    {
        for (var generation = 0; generation <= GC.MaxGeneration; generation++)
        {
            var label = new KeyValuePair<string, object?>("generation", generation.ToString(CultureInfo.InvariantCulture));
            yield return new Measurement<long>(GC.CollectionCount(generation), label);
        }
    }

    private static double StartTime()
    {
        using var process = Process.GetCurrentProcess();
        return new DateTimeOffset(process.StartTime).ToUnixTimeMilliseconds() / 1000.0;
    }

    private static long OpenFiles() => Directory.Exists("/proc/self/fd") ? Directory.EnumerateFileSystemEntries("/proc/self/fd").LongCount() : 0;

    // "Max open files            1048576              1048576              files"
    private static double MaxOpenFiles()
    {
        const string Limits = "/proc/self/limits";
        var line = File.Exists(Limits) ? File.ReadLines(Limits).FirstOrDefault(static l => l.StartsWith("Max open files", StringComparison.Ordinal)) : null;
        var soft = line?.Split(' ', StringSplitOptions.RemoveEmptyEntries).ElementAtOrDefault(3);
        return double.TryParse(soft, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) ? limit : double.PositiveInfinity;
    }
}
