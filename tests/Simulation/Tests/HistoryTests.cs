using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Simulation.Tests;

public class HistoryTests(ITestOutputHelper output)
{
    private const int Steps = 200;

    /// <summary>Histories of every test run; <c>./dev sim</c> runs as many more as one likes.</summary>
    private const int Histories = 1000;

    [Fact, Promise("P1"), Promise("P2"), Promise("P3"), Promise("P4"), Promise("P7"), Promise("P8")]
    public void Histories_OfOneThousandSeeds_KeepEveryPromise()
    {
        var run = new ParallelRun(1, Histories, Steps, TimeSpan.FromMinutes(10));
        var failed = run.Execute(Environment.ProcessorCount, trace: null);
        output.WriteLine($"{run.Done} histories, {run.Steps} steps, {run.Calls} store calls");
        failed.Select(outcome => $"{outcome.Failure}; replay: ./dev sim --seed {outcome.Seed} --histories 1 --steps {Steps} --trace").ShouldBeEmpty();
        run.Done.ShouldBe(Histories);
    }

    [Fact]
    public void History_OfOneSeedTwice_IsTheSame()
    {
        using var rows = new SimulatedRows();
        for (var seed = 1; seed <= 10; seed++)
        {
            var (first, second) = (new List<string>(), new List<string>());
            History.Run(rows, seed, Steps, first.Add);
            History.Run(rows, seed, Steps, second.Add);
            second.ShouldBe(first);
            first.Count.ShouldBeGreaterThan(Steps);
        }
    }
}
