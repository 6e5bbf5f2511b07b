using Holdfast.Client;
using Holdfast.Client.Probe;
using Holdfast.Server.Http;
using Holdfast.Storage;
using Holdfast.Storage.Metadata;
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

    // What a round may take; one that reads all bytes goes beside traffic, and takes its time.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan ReadPatience = TimeSpan.FromDays(1);

    // Beside traffic, not against it (P5).
    private const int RequestsAtOnce = 2;

    private readonly List<(ProbeMemory Memory, RegistryClientOptions Client)> _registries = [];
    private readonly ProbeOptions _options;
    private readonly TimeSpan _delay;
    private readonly ProbeFindings _findings;
    private readonly TimeProvider _time;
    private readonly ILogger _log;

    private bool _begun;

    private SelfProbe(SelfProbeOptions options, ProbeFindings findings, TimeProvider time, ILogger log)
    {
        (_findings, _time, _log) = (findings, time, log);
        _delay = options.Interval < FirstDelay ? options.Interval : FirstDelay;
        _options = new ProbeOptions { Fast = !options.Read, MaxTags = options.MaxTags, MayBeEmpty = true, Parallel = RequestsAtOnce, Time = time };
    }

    /// <param name="addresses">Where the listeners are, in the options' order.</param>
    /// <returns>Null if it is turned off, or nothing is served but caches.</returns>
    public static SelfProbe? Create(ServerOptions options, IReadOnlyList<Uri> addresses, SelfPass pass, ProbeSurroundings with)
    {
        if (Expected(options) is [])
            return null;
        var time = with.Time;
        var probe = new SelfProbe(options.Probe, new ProbeFindings(with.Metadata, with.Incidents, with.StoreTime), time, with.Logs.CreateLogger<SelfProbe>());
        // What a cache hasn't fetched is no finding, and looking for it would fetch it.
        var hosted = options.Registries.Where(static registry => registry.Cache is null).Select(static registry => registry.Name).ToHashSet(StringComparer.Ordinal);
        var places = options.Listeners.Zip(addresses).Where(pair => hosted.Contains(pair.First.Registry));
        foreach (var (listener, address) in places.DistinctBy(static pair => pair.First.Registry, StringComparer.Ordinal))
            probe._registries.Add((new ProbeMemory(listener.Registry, time), ClientOf(address, pass, time)));
        return probe._registries.Count == 0 ? null : probe;
    }

    /// <summary>How often it is to come to its end; nothing if it is turned off, or nothing is served.</summary>
    public static IReadOnlyList<ExpectedCheck> Expected(ServerOptions options) => options.Probe.Enabled && options.Listeners.Count > 0 && options.Registries.Any(static registry => registry.Cache is null)
        ? [new ExpectedCheck(ProbeFindings.CheckName, _ => options.Probe.Interval + (options.Probe.Read ? ReadPatience : Patience))]
        : [];

    /// <summary>One round over each registry.</summary>
    public async Task RunAsync(CancellationToken token)
    {
        if (!_begun)
        {
            _begun = true;
            await Task.Delay(_delay, _time, token);
        }
        var began = _time.GetUtcNow();
        var isFinished = true;
        foreach (var (memory, options) in _registries)
        {
            using var client = new RegistryClient(options);
            var round = await new RegistryProbe(client, memory, _options).RunAsync(token);
            ProbeMetrics.Note(round, memory);
            if (round.Fault is { } fault)
                LogUnfinished(_log, round.Instance, fault);
            else
                await _findings.NoteAsync(round, memory, token);
            isFinished &= round.IsFinished;
        }
        if (isFinished)
            await _findings.EndAsync(began, token);
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

    [LoggerMessage(1301, LogLevel.Warning, "The probe of registry {Registry} did not come to its end: {Fault}")]
    private static partial void LogUnfinished(ILogger logger, string registry, string fault);
}

/// <param name="StoreTime">By which the store dates.</param>
internal sealed record ProbeSurroundings(MetadataDatabase Metadata, IncidentBook Incidents, StoreTime StoreTime, TimeProvider Time, ILoggerFactory Logs);
