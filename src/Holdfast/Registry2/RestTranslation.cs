using Holdfast.Configuration;

namespace Holdfast.Registry2;

/// <summary>Logging, stopping, headers, and what depends on its value whether it means anything here.</summary>
internal sealed class RestTranslation(GivenSettings given, MapSetting root, Origin file)
{
    public MovedWhole Translate(TimeSpan? uploadAge)
    {
        Version();
        Headers();
        Switches();
        Middleware();
        return new MovedWhole
        {
            UploadAge = uploadAge,
            Drain = Drain(),
            LogLevel = LogLevel(),
            LogFormat = LogFormat(),
            AccessLog = AccessLog(),
        };
    }

    private void Version()
    {
        const string Wanted = "version: 0.1 is what this file begins with in every registry:2 there was";
        if (given.Text("version") is not { } version)
            given.Tell("version", file, Verdict.Wrong, $"is missing; {Wanted}. Is this file its configuration?");
        else if (version is "0.1" or "v0.1")
            given.Tell("version", Verdict.NotNeeded, "the format's version");
        else
            given.Tell("version", Verdict.Wrong, $"{Problems.Quote(version)} is unknown; {Wanted}");
    }

    private TimeSpan? Drain()
    {
        if (given.Duration("http.draintimeout") is not { } drain)
            return null;
        var taken = TimeSpan.FromSeconds(Math.Clamp(Math.Ceiling(drain.TotalSeconds), 0, TimeSpan.FromHours(24).TotalSeconds));
        given.Tell("http.draintimeout", Verdict.Taken, $"shutdown.drain: {Quantity.Format(taken)}");
        return taken;
    }

    private string? LogLevel()
    {
        const string Older = "loglevel";
        var key = given.Text("log.level") is null ? Older : "log.level";
        if (key != Older)
            given.Tell(Older, Verdict.NotNeeded, "log.level wins");
        var level = given.Text(key)?.ToLowerInvariant() switch
        {
            null => null,
            "error" => "error",
            "warn" => "warning",
            "info" => "information",
            "debug" => "debug",
            _ => "",
        };
        if (level is "")
            given.Tell(key, Verdict.Wrong, "is none of error, warn, info, debug");
        else if (level is not null)
            given.Tell(key, Verdict.Taken, $"log.level: {level}");
        return level is "" ? null : level;
    }

    private string? LogFormat()
    {
        var (format, verdict, text) = given.Text("log.formatter") switch
        {
            null => (null, Verdict.Taken, ""),
            "text" => ("console", Verdict.Taken, "log.format: console"),
            "json" => ("json", Verdict.Taken, "log.format: json; the members have other names (docs/operations.md)"),
            "logstash" => ("json", Verdict.NotHere, "log.format: json is written, which is JSON with other members"),
            _ => (null, Verdict.Wrong, "is none of text, json, logstash"),
        };
        given.Tell("log.formatter", verdict, text);
        return format;
    }

    private bool AccessLog()
    {
        var isOff = given.Flag("log.accesslog.disabled");
        given.Tell("log.accesslog.disabled", Verdict.Taken, isOff ? "log.access.enabled: false" : "log.access.enabled: true");
        return !isOff;
    }

    private void Headers()
    {
        if (given.Find("http.headers") is not { } headers)
            return;
        var others = headers.Value is MapSetting map
            ? map.Entries.Where(entry => !entry.Name.Equals("X-Content-Type-Options", StringComparison.OrdinalIgnoreCase)).Select(entry => Problems.Quote(entry.Name)).ToList()
            : [];
        if (headers.Value is not MapSetting)
            given.Tell("http.headers", Verdict.Wrong, "wants a mapping from names to lists of values");
        else if (others.Count == 0)
            given.Tell("http.headers", Verdict.NotNeeded, "X-Content-Type-Options: nosniff is sent always");
        else
            given.Tell("http.headers", Verdict.NotHere, $"headers of one's own aren't sent; let what stands in front add {string.Join(", ", others)}");
    }

    private void Switches()
    {
        var prefix = given.Text("http.prefix");
        Either("http.prefix", prefix is null or "/", "served at /v2/", "everything is served at /v2/, so that the name of each image loses the prefix; or let what stands in front take it off");
        Either("http.http2.disabled", !given.Flag("http.http2.disabled"), "on with TLS", "HTTP/2 is spoken with TLS; a client that can't do it chooses HTTP/1.1 by itself");
        Either("http.h2c.enabled", !given.Flag("http.h2c.enabled"), "off here too", "without TLS only HTTP/1.1 is spoken; set what stands in front to that");
        given.Tell("http.debug.addr", Verdict.NotNeeded, "there is no listener for debugging; /metrics is at every listener, without credentials");
        var path = given.Text("http.debug.prometheus.path");
        Either("http.debug.prometheus.path", path is null or "/metrics", "/metrics is always there", "it is /metrics here, on every listener; the names are others (docs/operations.md): deploy/ has alerts and a dashboard");
        Either("validation.disabled", !given.Flag("validation.disabled"), "manifests are always checked", "manifests are always checked: what names bytes that aren't there is refused");
        var platforms = given.Text("validation.manifests.indexes.platforms");
        Either("validation.manifests.indexes.platforms", string.Equals(platforms, "all", StringComparison.OrdinalIgnoreCase), "an index is taken with all that it lists, or not at all",
            "an index is taken with all that it lists, or not at all: whoever pushes parts of an index gets 400");
        Either("compatibility.schema1.enabled", !given.Flag("compatibility.schema1.enabled"), "off here too", "images in Docker's schema 1 are refused; pull and push them with a client of this decade first");
    }

    private void Either(string key, bool isAlike, string alike, string otherwise) =>
        given.Tell(key, isAlike ? Verdict.NotNeeded : Verdict.NotHere, isAlike ? alike : otherwise);

    private void Middleware()
    {
        foreach (var middleware in given.Below("middleware.").ToList())
        {
            var items = middleware.Value is ListSetting list ? list.Items.OfType<MapSetting>().ToList() : [];
            var names = items.Where(item => !IsOff(item)).Select(item => Problems.Quote(item.Text("name") ?? "?")).ToList();
            given.Tell(middleware.Key, names.Count == 0 ? Verdict.NotNeeded : Verdict.NotHere, names.Count == 0 ? "switched off there" : $"there are no parts that could be put in between; {string.Join(", ", names)} won't be there");
        }

        if (root.Find("middleware") is ListSetting wrong)
            given.Tell("middleware", wrong.Origin, Verdict.Wrong, "wants a mapping");
    }

    private static bool IsOff(MapSetting item) => item.Scalar("disabled") is { } scalar && GoValue.Boolean(scalar.Text) == true;
}
