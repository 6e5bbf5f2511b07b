namespace Holdfast.Registry2;

/// <summary>The parameters of storage drivers other than the file system.</summary>
internal static class KnownDrivers
{
    /// <summary>Keys of `storage` that are no driver.</summary>
    public static readonly string[] Beside = ["maintenance", "cache", "delete", "redirect", "tag"];

    public const string FileSystem = "filesystem";

    private const string S3 = "accesskey secretkey region regionendpoint bucket encrypt keyid secure skipverify v4auth chunksize multipartcopychunksize "
        + "multipartcopymaxconcurrency multipartcopythresholdsize rootdirectory storageclass useragent objectacl";

    private static readonly (string Driver, Release? OnlyIn, string Keys)[] Drivers =
    [
        ("s3", null, S3),
        ("s3", Release.Three, "accelerate forcepathstyle loglevel redirectendpoint usedualstack usefipsendpoint"),
        ("s3aws", null, S3),
        ("s3aws", Release.Three, "accelerate forcepathstyle loglevel redirectendpoint usedualstack usefipsendpoint"),
        ("azure", null, "accountname accountkey container realm"),
        ("azure", Release.Three, "credentials connectionstring rootdirectory serviceurl max_retries retry_delay skipverify"),
        ("gcs", null, "bucket keyfile credentials rootdirectory chunksize maxconcurrency"),
        ("gcs", Release.Three, "useragent"),
        ("swift", Release.Two, "username password authurl tenant tenantid domain domainid tenantdomain tenantdomainid trustid region authversion container prefix "
            + "endpointtype insecureskipverify chunksize secretkey accesskey tempurlcontainerkey tempurlmethods"),
        ("oss", Release.Two, "accesskeyid accesskeysecret bucket chunksize encrypt endpoint internal region rootdirectory secure"),
    ];

    // What a parameter may be is the driver's business, which isn't taken anyway.
    public static IEnumerable<KnownSetting> All() =>
        from driver in Drivers
        from key in driver.Keys.Split(' ')
        select KnownSetting.NotHere($"storage.{driver.Driver}.{key}", Kind.Anything, $"goes with storage.{driver.Driver}") with { OnlyIn = driver.OnlyIn };

    /// <summary>The names of the drivers that the release has.</summary>
    public static IEnumerable<string> Names(Release release) =>
        Drivers.Where(d => d.OnlyIn is null || d.OnlyIn == release).Select(d => d.Driver).Append(FileSystem).Append("inmemory").Distinct(StringComparer.Ordinal);
}
