namespace Holdfast.Registry2;

/// <summary>The settings of redis: 2.8 has one server and a pool, 3.x its client library's options.</summary>
internal static class KnownRedis
{
    private static readonly (Release? OnlyIn, Kind Kind, string Keys)[] Settings =
    [
        (null, Kind.Text, "password"),
        (null, Kind.Number, "db"),
        (null, Kind.Duration, "dialtimeout readtimeout writetimeout"),
        (Release.Two, Kind.Text, "addr"),
        (Release.Two, Kind.Number, "pool.maxidle pool.maxactive"),
        (Release.Two, Kind.Duration, "pool.idletimeout"),
        (Release.Three, Kind.Text, "clientname username sentinelusername sentinelpassword mastername identitysuffix tls.certificate tls.key"),
        (Release.Three, Kind.Texts, "addrs tls.rootcas"),
        (Release.Three, Kind.Number, "protocol maxretries poolsize minidleconns maxidleconns maxactiveconns maxredirects"),
        (Release.Three, Kind.Duration, "minretrybackoff maxretrybackoff pooltimeout connmaxidletime connmaxlifetime"),
        (Release.Three, Kind.Boolean, "contexttimeoutenabled poolfifo readonly routebylatency routerandomly disableidentity unstableresp3"),
    ];

    public static IEnumerable<KnownSetting> All(string why) =>
        from settings in Settings
        from key in settings.Keys.Split(' ')
        select KnownSetting.NotNeeded($"redis.{key}", settings.Kind, why) with { OnlyIn = settings.OnlyIn };
}
