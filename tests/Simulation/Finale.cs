namespace Simulation;

/// <summary>The end of a history: nothing fails any more, everything comes to rest, and all that was promised is looked at.</summary>
internal static class Finale
{
    public static void Run(World world)
    {
        world.Trace?.Invoke("  the end begins");
        world.Schedule.FaultOneIn = 0;
        History.Drain(world);
        History.CrashAndStart(world);
        Checks.Everything(world);
    }
}
