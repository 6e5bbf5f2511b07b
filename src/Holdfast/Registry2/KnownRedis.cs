namespace Holdfast.Registry2;

/// <summary>The settings of redis: 2.8 has one server and a pool, 3.x its client library's options.</summary>
internal static class KnownRedis
{
    private const string Both = "password db dialtimeout readtimeout writetimeout";
    private const string Two = "addr pool.maxidle pool.maxactive pool.idletimeout";
    private const string Three = "addrs clientname protocol username sentinelusername sentinelpassword maxretries minretrybackoff maxretrybackoff contexttimeoutenabled "
        + "poolfifo poolsize pooltimeout minidleconns maxidleconns maxactiveconns connmaxidletime connmaxlifetime maxredirects readonly routebylatency routerandomly "
        + "mastername disableidentity identitysuffix unstableresp3 tls.certificate tls.key tls.rootcas";

    public static IEnumerable<KnownSetting> All(string why) => [.. Of(Both, null, why), .. Of(Two, Release.Two, why), .. Of(Three, Release.Three, why)];

    private static IEnumerable<KnownSetting> Of(string keys, Release? onlyIn, string why) =>
        keys.Split(' ').Select(key => KnownSetting.NotNeeded($"redis.{key}", Kind.Anything, why) with { OnlyIn = onlyIn });
}
