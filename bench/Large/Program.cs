using System.Diagnostics;
using System.Globalization;
using Holdfast.Large;

const string Usage = """
    large: makes a data folder of millions, to be measured by dev.d/bench-large

      large fill DIR [--manifests 1000000] [--blobs 3000000] [--repositories 2000]
        One manifest in ten is an index over two images; the blobs are files of a few bytes, which take 4 KiB of the disk each.
        What a run that was cut off has left is gone on with, by the same call. Serve it by: holdfast serve --data DIR

      large ratios RESULTS.jsonl
        What dev.d/bench-large measured, as a table.

    Exit codes: 0 it is there, 2 could not do it.
    """;

using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, pressed) =>
{
    pressed.Cancel = true;
    stop.Cancel();
};
try
{
    return args switch
    {
        ["help" or "--help" or "-h", ..] or [_, "--help" or "-h"] => Print(Console.Out, 0),
        ["fill", var folder, .. var rest] when !folder.StartsWith('-') => await FillAsync(folder, FillPlan.Read(rest)),
        ["ratios", var results] => PrintRatios(results),
        _ => Print(Console.Error, 2),
    };
}
catch (Exception e) when (e is UsageException or IOException)
{
    Console.Error.WriteLine($"large: {e.Message}");
    return 2;
}
catch (OperationCanceledException) when (stop.IsCancellationRequested)
{
    Console.Error.WriteLine("large: stopped; the same call goes on with it");
    return 2;
}

async Task<int> FillAsync(string folder, FillPlan plan)
{
    FillNote.Match(folder, plan);
    var said = Stopwatch.StartNew();
    var fill = new StoreFill(folder, "default", plan, progress =>
    {
        if (said.Elapsed < TimeSpan.FromSeconds(5))
            return;
        said.Restart();
        Console.Error.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{progress.Done} of {progress.Total} manifests, {progress.PerSecond:0} a second, {progress.Left.TotalSeconds:0} s left"));
    });
    var watch = Stopwatch.StartNew();
    var manifests = await fill.RunAsync(stop.Token);
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{folder}: {plan}, in {watch.Elapsed.TotalSeconds:0.0} s"));
    return manifests == plan.Manifests ? 0 : throw new IOException($"'{folder}' holds {manifests} manifests of {plan.Manifests}; take an empty folder");
}

static int PrintRatios(string results)
{
    Ratios.Write(results, Console.Out);
    return 0;
}

static int Print(TextWriter to, int code)
{
    to.WriteLine(Usage);
    return code;
}
