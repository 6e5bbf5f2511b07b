namespace Holdfast.Drill;

internal static class DrillUsage
{
    private const string Text = """
        drill: proves on the real server what Holdfast promises; ends with 1 if anything was lost, broken or served wrongly

          drill crash [--kills 300] [--pushers 8] [--deleters 2] [--traffic 1s] [--check 2s]
            kills the server (SIGKILL) at random moments under pushers, deleters and a collection without grace; after
            each start what it serves is compared with what it had acknowledged

          drill race [--pushes 100000] [--clients 16] [--deleters 2] [--pairs 6] [--phase 15s] [--push-rate 20] [--pull-rate 60]
            pushes of tiny images beside deletes, retags and a collection that never rests; then everything is pulled.
            After it, pairs of phases on one timetable, with and without collection and scrub: p99 of pushes and pulls

          drill damage [--images 1000] [--wounds 200] [--pullers 4] [--layer 256KiB] [--sweep 1m] [--period 10m]
            removes, truncates, flips, swaps, empties and makes unreadable files of a store while clients pull; nothing wrong
            may be served, all must be found in time, and heal by a push or from a donor. As root, the server runs as nobody

          drill database [--pushes 100]
            loses holdfast.db in all ways, starts again, and pulls everything

          drill peers [--only R4]...
            a table of the ten ways in which images have been broken elsewhere: Holdfast, and Debian's docker-registry

        Of every drill:
          --holdfast PROGRAM   default artifacts/holdfast/holdfast
          --seed N             of all that is random; printed, so that a run can be had again
          --folder F           where data lie (default: the system's folder for temporary files); --keep leaves them there
          --json               one JSON object instead of text

        Servers listen on free loopback ports, and are ended by their own ids.
        Exit codes: 0 all right, 1 faults, 2 could not do it.
        """;

    public static int Print(int code)
    {
        (code == 0 ? Console.Out : Console.Error).WriteLine(Text);
        return code;
    }
}
