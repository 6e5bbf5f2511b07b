using Holdfast.Bench.Data;
using Holdfast.Bench.Http;
using Holdfast.Bench.Measure;

namespace Holdfast.Bench.Loops;

/// <summary>One server with all that a call of the program knows about it.</summary>
internal sealed class Stand(BenchServer server, Target target, BenchPlan plan)
{
    private const int PreparingConnections = 16;

    public BenchServer Server => server;

    public Target Target => target;

    public Names Names { get; } = new(plan.Seed);

    public ServerProcesses Processes { get; } = new(server.Processes);

    public Leftovers Left { get; } = new(plan.Clean);

    /// <summary>For what is done before a measurement, on a few connections.</summary>
    public Course Preparing(Halt halt) => new(target, new Pace(0, TimeSpan.Zero, null, null), halt, 0, plan.Timeout);

    /// <summary>Does something on one connection, on a thread of its own, since it blocks.</summary>
    public Task AloneAsync(Halt halt, Action<Connection> act) => EachAsync(halt, 1, (connection, _) => act(connection));

    /// <exception cref="BenchFault">The server refused; its words are in it.</exception>
    public async Task EachAsync(Halt halt, int count, Action<Connection, int> act)
    {
        try
        {
            await Crew.EachAsync(Preparing(halt), count, PreparingConnections, act);
        }
        catch (RequestFailedException e)
        {
            throw new BenchFault($"{(ReferenceEquals(server, plan.Upstream) ? $"the upstream {server.Address.Authority} " : "")}could not be prepared: {e.Message}{(e.Said.Length > 0 ? ": " : "")}{e.Said}{Advice(e)}", e);
        }
    }

    private static string Advice(RequestFailedException problem) => problem.Status switch
    {
        401 or 403 => "; may that user push to bench/**? Log in there with docker, podman or skopeo, or give --user NAME",
        405 => "; a cache or a read-only registry takes no pushes: for a cache, measure cold-cache with --upstream URL",
        413 => "; it, or a proxy before it, takes no bodies of that size",
        429 => "; it limits how often it may be asked, which is no registry to measure",
        507 => "; it has no room: free some, or choose a smaller --size, --entries or --requests",
        >= 300 and < 400 => ", which is not followed: give the address that answers itself",
        _ => "",
    };
}
