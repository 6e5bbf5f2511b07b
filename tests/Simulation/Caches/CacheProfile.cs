using Holdfast.Server;

namespace Simulation.Caches;

/// <summary>What the caches of one history are like.</summary>
/// <param name="All">One for each upstream.</param>
/// <param name="MaxBytes">Of all of them together; null: unbounded.</param>
internal sealed record CacheProfile(IReadOnlyList<CacheOptions> All, long? MaxBytes)
{
    private static readonly string[][] Pins = [[], ["u0:t0"], ["u0:*"], ["u*:t1"], ["u1:t0", "u0:t2"]];

    // Small ones for the small images, whose manifests are most of them; large ones for a few of the others.
    private static readonly long?[] Bounds = [null, 1_500, 3_000, 6_000, 100_000, 200_000, 250_000];

    public static CacheProfile Draw(Random random) =>
        new([Draw(random, "mirror0.sim", "origin0.sim"), Draw(random, "origin1.sim")], random.Next(3) == 0 ? Any(random, Bounds) : null);

    private static CacheOptions Draw(Random random, params string[] hosts) => new()
    {
        Upstream = new UpstreamOptions { Urls = [.. hosts.Select(host => new Uri($"http://{host}/"))], Namespace = hosts[^1] },
        Tags = new TagTruthOptions
        {
            RevalidateAfter = random.Next(3) == 0 ? TimeSpan.FromMinutes(10) : TimeSpan.Zero,
            ServeStaleFor = TimeSpan.FromHours(Any(random, 1, 48, 24 * 30)),
            KeepVanished = random.Next(2) == 0,
        },
        MaxBytes = Any(random, Bounds),
        Pins = Any(random, Pins),
        PrefetchPlatforms = random.Next(3) == 0 ? ["linux/amd64"] : [],
        FinishBytes = Any(random, 0, 60_000, 1L << 30),
    };

    private static T Any<T>(Random random, params T[] choices) => choices[random.Next(choices.Length)];
}
