using Holdfast.Client;
using Holdfast.Client.Probe;
using Holdfast.Client.Walk;
using Microsoft.Extensions.Logging;

namespace Holdfast.Server.Probe;

/// <summary>
/// The server verifies its own registries as anyone else's: over HTTP, through listener, login and routes. What a check from inside can't see, that images can't be pulled
/// although all is stored, shows here.
/// </summary>
internal sealed partial class SelfProbe
{
    // After a start there is enough to do; and most of what goes wrong then shows elsewhere.
    private static readonly TimeSpan FirstDelay = TimeSpan.FromMinutes(1);

    // Of one round: the metrics have the number, `holdfast probe` the rest.
    private const int MaxLines = 100;

    // Beside traffic, not against it (P5).
    private const int RequestsAtOnce = 2;

    private readonly List<(ProbeMemory Memory, RegistryClientOptions Client)> _registries = [];
    private readonly ProbeOptions _options;
    private readonly TimeSpan _delay;
    private readonly TimeProvider _time;
    private readonly ILogger _log;

    private bool _begun;

    private SelfProbe(SelfProbeOptions options, TimeProvider time, ILogger log)
    {
        (_time, _log) = (time, log);
        _delay = options.Interval < FirstDelay ? options.Interval : FirstDelay;
        _options = new ProbeOptions { Fast = !options.Read, MaxTags = options.MaxTags, MayBeEmpty = true, Parallel = RequestsAtOnce, Time = time };
    }

    /// <param name="addresses">Where the listeners are, in the options' order.</param>
    /// <returns>Null if it is turned off, or nothing is served.</returns>
    public static SelfProbe? Create(ServerOptions options, IReadOnlyList<Uri> addresses, SelfPass pass, TimeProvider time, ILoggerFactory logs)
    {
        if (!options.Probe.Enabled || addresses.Count == 0)
            return null;
        var probe = new SelfProbe(options.Probe, time, logs.CreateLogger<SelfProbe>());
        foreach (var (listener, address) in options.Listeners.Zip(addresses).DistinctBy(static pair => pair.First.Registry, StringComparer.Ordinal))
            probe._registries.Add((new ProbeMemory(listener.Registry, time), ClientOf(address, pass, time)));
        return probe;
    }

    /// <summary>One round over each registry.</summary>
    public async Task RunAsync(CancellationToken token)
    {
        if (!_begun)
        {
            _begun = true;
            await Task.Delay(_delay, _time, token);
        }
        foreach (var (memory, options) in _registries)
        {
            using var client = new RegistryClient(options);
            var failed = memory.Tags.Where(static tag => tag.Value.Failures > 0).Select(static tag => tag.Key).ToHashSet();
            var round = await new RegistryProbe(client, memory, _options).RunAsync(token);
            ProbeMetrics.Note(round, memory);
            Tell(round, failed);
        }
    }

    private static RegistryClientOptions ClientOf(Uri address, SelfPass pass, TimeProvider time) => new()
    {
        Registry = new UriBuilder(address) { Host = HostOf(address) }.Uri,
        Token = pass.Token,
        // The names in a certificate are those that others use; and nobody else listens at an address that this process holds.
        AcceptAnyCertificate = true,
        // The pass opens every repository; and what a proxy has to say is nothing about this door.
        Proxy = null,
        MaxConnections = RequestsAtOnce,
        Retries = 1,
        GoneAfter = 16,
        Time = time,
    };

    // Who listens on all addresses is reached at the loopback's.
    private static string HostOf(Uri address) => address.Host switch
    {
        "0.0.0.0" or "localhost" => "127.0.0.1",
        "[::]" => "[::1]",
        var host => host,
    };

    // Each tag once, not at each round.
    private void Tell(ProbeRound round, HashSet<TagKey> failed)
    {
        if (round.Fault is { } fault)
            LogUnfinished(_log, round.Instance, fault);
        foreach (var root in round.Broken.Where(root => !failed.Any(key => key.Repository == root.Repository && key.Tag.ToString() == root.Name)).Take(MaxLines))
        {
            var first = root.Findings[0];
            LogBroken(_log, round.Instance, $"{root.Repository}:{root.Name}", first.Object.Digest.ToString(), first.Problem.Answer, root.Findings.Count + root.LeftOut);
        }
    }

    [LoggerMessage(1301, LogLevel.Warning, "The probe of registry {Registry} did not come to its end: {Fault}")]
    private static partial void LogUnfinished(ILogger logger, string registry, string fault);

    [LoggerMessage(1302, LogLevel.Warning, "The probe of registry {Registry} found that {Image} can't be pulled: {Digest}: {Answer} ({Findings} findings)")]
    private static partial void LogBroken(ILogger logger, string registry, string image, string digest, string answer, int findings);
}
