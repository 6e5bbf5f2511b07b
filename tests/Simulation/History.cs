using Simulation.Scheduling;

namespace Simulation;

/// <summary>One history, all of it drawn from its seed.</summary>
internal static class History
{
    private const int StepsBetweenChecks = 8;

    /// <returns>Null if every promise was kept, else what was not.</returns>
    public static Outcome Run(SimulatedRows rows, int seed, int steps, Action<string>? trace)
    {
        var before = SynchronizationContext.Current;
        var world = new World(rows, seed, trace);
        try
        {
            SynchronizationContext.SetSynchronizationContext(world.Schedule);
            Live(world, steps);
            Finale.Run(world);
            return new Outcome(seed, world.Steps, world.Schedule.Calls, null);
        }
        catch (BrokenPromiseException e)
        {
            return new Outcome(seed, world.Steps, world.Schedule.Calls, e.Message);
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(before);
        }
    }

    private static void Live(World world, int steps)
    {
        var profile = world.Profile;
        var total = profile.Weights.Sum();
        world.Schedule.FaultOneIn = profile.FaultOneIn;
        var (lastCheck, lastStep) = (0, 0);
        while (world.Steps < steps)
        {
            if (world.Journal.Left is not null || (profile.CrashOneIn > 0 && world.Random.Next(profile.CrashOneIn) == 0))
                CrashAndStart(world);
            else if (world.Process.Database.NeedsRestart && world.Random.Next(100) == 0)
                CrashAndStart(world);
            else if (world.Process.Busy < profile.Clients && (world.Schedule.IsIdle || world.Random.Next(12) == 0))
                StartOne(world, profile, total);
            else
                RunOne(world);
            ThrowIfFailed(world);
            if (world.Steps == lastStep)
                continue;
            lastStep = world.Steps;
            Checks.Edges(world);
            world.Caches?.Watch.Look();
            if (profile.LosesRows && world.Random.Next(60) == 0 && world.Journal.Left is null)
                world.Rows.TakeCopy();
            if (world.Steps - lastCheck < StepsBetweenChecks)
                continue;
            lastCheck = world.Steps;
            Checks.Everything(world);
        }
    }

    /// <summary>The power goes, and comes again: what was acknowledged must be there at once.</summary>
    public static void CrashAndStart(World world, bool mayLoseRows = true)
    {
        do
        {
            world.Crash();
            if (mayLoseRows && world.Profile.LosesRows && world.Random.Next(4) == 0)
                world.TryLoseRows();
            world.Process.Run("start-up", world.Process.StartAsync);
            while (!world.Process.IsReady && world.Process.Busy > 0 && world.Journal.Left is null && world.Random.Next(100) != 0)
                RunOne(world);
            ThrowIfFailed(world);
        }
        while (!world.Process.IsReady || world.Journal.Left is not null);
        Checks.Everything(world);
    }

    /// <summary>Lets everything that is under way come to its end.</summary>
    public static void Drain(World world)
    {
        // Fetches go on when nobody waits for them.
        while (world.Process.Busy > 0 || !world.Schedule.IsIdle || world.Time.HasTimers)
            RunOne(world);
        ThrowIfFailed(world);
    }

    private static void StartOne(World world, Profile profile, int total)
    {
        var drawn = world.Random.Next(total);
        var index = 0;
        while (drawn >= profile.Weights[index])
            drawn -= profile.Weights[index++];
        Actions.All[index].Start(world);
    }

    private static void RunOne(World world)
    {
        if (!world.Schedule.IsIdle)
            world.Schedule.RunOne();
        else if (world.Time.HasTimers)
            world.Time.AdvanceToTimer();
        else
            throw new BrokenPromiseException("requests wait for each other for ever");
        world.Caches?.Checks.ForEach(check => check.NoteHeld());
    }

    private static void ThrowIfFailed(World world)
    {
        if (world.Process.Failure is { } failure)
            throw failure;
    }
}

/// <param name="Failure">The promise that was broken; null if none was.</param>
internal sealed record Outcome(int Seed, int Steps, int Calls, string? Failure);
