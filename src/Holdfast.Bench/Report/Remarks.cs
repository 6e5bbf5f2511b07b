using System.Globalization;

namespace Holdfast.Bench.Report;

/// <summary>What keeps figures from meaning what they seem to.</summary>
internal static class Remarks
{
    private const double BusyShare = 0.85;
    private const double DisturbedShare = 0.1;
    private const int FewRequests = 100;
    private const double FewSeconds = 0.1;

    public static IReadOnlyList<string> On(IReadOnlyList<Round> rounds)
    {
        var remarks = new List<string>();
        var cores = Environment.ProcessorCount;
        var busiest = rounds.Max(static round => round.ClientCpuSeconds / Math.Max(round.Seconds, 1e-9));
        if (busiest > BusyShare * cores)
            remarks.Add(Invariant($"the generator used {busiest:0.0} of {cores} cores: it may be the limit, not the server"));
        else if (rounds.Any(round => round.ServerCpuSeconds is { } server && (server + round.ClientCpuSeconds) / round.Seconds > BusyShare * cores))
            remarks.Add("generator and server had all cores between them: ratios to other servers count, not the absolute figures");
        if (rounds.Any(round => round.OtherCpuSeconds > DisturbedShare * cores * round.Seconds))
            remarks.Add("something else took more than a tenth of the machine: measure again when it is quiet");
        if (rounds.Any(static round => round.ServerEnded == true))
            remarks.Add("a process of --pid ended, so that its CPU time and memory are not known");
        else if (rounds.Any(static round => round.ServerCpuSeconds < FewSeconds))
            remarks.Add(Invariant($"less than {FewSeconds} s of the server's CPU time, which the kernel counts in steps of 0.01 s: measure longer, if --pid names the right process"));
        if (rounds.Any(static round => round.Completed == 0))
            remarks.Add(rounds.Count == 1 ? "no request succeeded" : "in some rounds no request succeeded");
        else if (rounds.Min(static round => round.Completed) < FewRequests)
            remarks.Add(Invariant($"fewer than {FewRequests} requests a round: p99 and p99.9 are the slowest ones"));
        return remarks;
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
