using System.Diagnostics;
using System.Globalization;

namespace Simulation;

/// <summary><c>./dev sim</c>: many histories on some threads, and on a failure the one that failed, step by step.</summary>
internal static class SimulationCommand
{
    private const string Usage = """
        ./dev sim --breakages [word...]
        ./dev sim [--seed N] [--histories N] [--steps N] [--threads N] [--minutes M] [--keep-going]

        Runs random histories of pushes, deletes, collection, damage, crashes and faults against a model of what was acknowledged.
          --seed N        the first history's seed; the others follow it. Without it, one is drawn and printed
          --histories N   how many (1000)
          --steps N       requests and background runs in each (200)
          --threads N     (one for each processor)
          --minutes M     stop after this time, however many there were
          --keep-going    go on after a failure, and list every seed that failed
          --breakages     instead: break a copy of the code in many ways, and tell how soon each is found
          --trace         print every step, not only of a history that failed
        Exit codes: 0 all promises were kept, 1 one was broken, 2 the arguments were not understood.
        """;

    public static int Run(string[] args)
    {
        var options = new Options();
        for (var i = 0; i < args.Length; i++)
        {
            if (args[i] is "--help" or "-h")
            {
                Console.WriteLine(Usage);
                return 0;
            }
            if (args[i] == "--trace")
                options.Trace = true;
            else if (args[i] == "--keep-going")
                options.KeepGoing = true;
            else if (i + 1 >= args.Length || !int.TryParse(args[i + 1], NumberStyles.None, CultureInfo.InvariantCulture, out var value) || !options.TrySet(args[i], value))
            {
                Console.Error.WriteLine($"sim: {args[i]} is not understood\n\n{Usage}");
                return 2;
            }
            else
                i++;
        }
        return Run(options);
    }

    private static int Run(Options options)
    {
        Console.WriteLine($"seeds {options.Seed} to {options.Seed + options.Histories - 1}, {options.Steps} steps each, {options.Threads} threads");
        var run = new ParallelRun(options.Seed, options.Histories, options.Steps, TimeSpan.FromMinutes(options.Minutes), options.KeepGoing);
        var watch = Stopwatch.StartNew();
        var failed = run.Execute(options.Threads, options.Trace ? Console.WriteLine : null);
        var seconds = Math.Max(watch.Elapsed.TotalSeconds, 0.001);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{run.Done} histories, {run.Steps} steps, {run.Calls} store calls in {seconds:0.0} s ({run.Done / seconds:0.0} histories a second)"));
        if (failed.Count == 0)
        {
            Console.WriteLine("every promise was kept");
            return 0;
        }
        if (options.KeepGoing)
            List(failed, options.Steps);
        else
            Replay(failed[0], options.Steps);
        return 1;
    }

    private static void List(IReadOnlyList<Outcome> failed, int steps)
    {
        foreach (var outcome in failed)
            Console.WriteLine($"seed {outcome.Seed}, step {outcome.Steps}: {outcome.Failure}");
        Console.WriteLine($"{failed.Count} histories broke a promise; replay: ./dev sim --seed N --histories 1 --steps {steps} --trace");
    }

    private static void Replay(Outcome failed, int steps)
    {
        using var rows = new SimulatedRows();
        var lines = new List<string>();
        var again = History.Run(rows, failed.Seed, steps, lines.Add);
        foreach (var line in lines.TakeLast(400))
            Console.WriteLine(line);
        Console.WriteLine();
        Console.WriteLine($"broken at step {failed.Steps}: {failed.Failure}");
        if (again.Failure != failed.Failure)
            Console.WriteLine($"the replay ended differently, which is a fault of the simulation: {again.Failure ?? "nothing was broken"}");
        Console.WriteLine($"replay: ./dev sim --seed {failed.Seed} --histories 1 --steps {steps} --trace");
    }

    private sealed class Options
    {
        public int Seed { get; private set; } = Random.Shared.Next(1, 1_000_000_000);

        public int Histories { get; private set; } = 1000;

        public int Steps { get; private set; } = 200;

        public int Threads { get; private set; } = Environment.ProcessorCount;

        public int Minutes { get; private set; } = 24 * 60;

        public bool Trace { get; set; }

        public bool KeepGoing { get; set; }

        public bool TrySet(string name, int value)
        {
            switch (name)
            {
                case "--seed": Seed = value; return true;
                case "--histories": Histories = value; return true;
                case "--steps": Steps = value; return true;
                case "--threads": Threads = Math.Max(1, value); return true;
                case "--minutes": Minutes = value; return true;
                default: return false;
            }
        }
    }
}
