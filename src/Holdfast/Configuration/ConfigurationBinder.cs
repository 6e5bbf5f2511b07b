using System.Net;
using Holdfast.Server;
using Microsoft.Extensions.Logging;

namespace Holdfast.Configuration;

/// <summary>Turns checked settings into options, and finds what only shows between settings.</summary>
internal sealed class ConfigurationBinder(MapSetting root, string? file, string workingFolder, Problems problems, TimeProvider time)
{
    private const string DefaultRegistry = "default";

    private readonly List<string> notes = [];

    public HoldfastConfiguration Bind()
    {
        var registries = new RegistryBinder(root, problems, notes).Bind();
        if (registries.Count == 0)
            registries.Add(new BoundRegistry(DefaultRegistry, root.Origin, "registries", false, new RegistryOptions { Name = DefaultRegistry }));
        var listeners = new ListenerBinder(root, registries, problems, notes, time).Bind();
        new CacheLoops(root, registries, listeners, problems).Check();
        var server = new ServerOptions
        {
            Listeners = listeners,
            Registries = [.. registries.Select(r => r.Options)],
            Caches = new CacheBinder(problems, notes).BindAll(root, registries),
            AccessLog = BindAccessLog(),
            Uploads = BindUploads(),
            Limits = BindLimits(),
            TrustedProxies = [.. root.Map("proxies").Texts("trusted").Select(Network)],
        };
        server = server with
        {
            DiskReserveBytes = root.Map("disk").Size("reserve", server.DiskReserveBytes),
            DrainTimeout = root.Map("shutdown").Duration("drain", server.DrainTimeout),
        };
        var data = BindDataFolder();
        return new HoldfastConfiguration(file, data, BindIntegrity(server, data, registries), BindLog(), notes);
    }

    private ServerOptions BindIntegrity(ServerOptions server, string data, List<BoundRegistry> registries)
    {
        var integrity = new IntegrityBinder(root, problems);
        var collection = integrity.BindCollection();
        return server with
        {
            Collection = collection,
            Trash = integrity.BindTrash(),
            Scrub = integrity.BindScrub(),
            Probe = integrity.BindProbe(),
            Heal = new HealBinder(root, data, problems, notes).Bind(),
            Retention = new RetentionBinder(root, registries, collection, problems, notes).Bind(),
        };
    }

    public static string DataFolder(MapSetting root, string workingFolder) => root.FullPath("data") ?? Path.Combine(workingFolder, "data");

    private string BindDataFolder()
    {
        var folder = DataFolder(root, workingFolder);
        if (File.Exists(folder))
            problems.Add(root.Find("data")?.Origin ?? root.Origin, "data", $"{Problems.Quote(folder)} is a file; name a folder");
        return folder;
    }

    private UploadOptions BindUploads()
    {
        var uploads = root.Map("uploads");
        var defaults = new UploadOptions();
        return new UploadOptions
        {
            MaxAge = uploads.Duration("maxAge", defaults.MaxAge),
            MaxOpen = uploads.Number("maxOpen", defaults.MaxOpen),
        };
    }

    private LimitOptions BindLimits()
    {
        var limits = root.Map("limits");
        var defaults = new LimitOptions();
        return new LimitOptions
        {
            Connections = limits.Number("connections", defaults.Connections),
            ManifestCacheBytes = limits.Size("manifestCache", defaults.ManifestCacheBytes),
        };
    }

    private AccessLogOptions BindAccessLog()
    {
        var access = root.Map("log").Map("access");
        var defaults = new AccessLogOptions();
        return new AccessLogOptions
        {
            Enabled = access.Flag("enabled", defaults.Enabled),
            MaxLinesPerSecond = access.Number("maxLinesPerSecond", defaults.MaxLinesPerSecond),
            Json = root.Map("log").Text("format") == "json",
        };
    }

    private LogConfiguration BindLog()
    {
        var log = root.Map("log");
        var level = log.Text("level") switch
        {
            "debug" => LogLevel.Debug,
            "warning" => LogLevel.Warning,
            "error" => LogLevel.Error,
            _ => LogLevel.Information,
        };
        return new LogConfiguration(log.Text("format") == "json" ? LogFormat.Json : LogFormat.Console, level);
    }

    private static IPNetwork Network(string text) =>
        IPNetwork.TryParse(text, out var network) ? network : Single(IPAddress.Parse(text));

    private static IPNetwork Single(IPAddress address) => new(address, address.GetAddressBytes().Length * 8);
}
