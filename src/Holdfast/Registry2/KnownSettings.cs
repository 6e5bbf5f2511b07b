using static Holdfast.Registry2.KnownSetting;

namespace Holdfast.Registry2;

/// <summary>Every setting that registry:2 knows, 2.8 and 3.x, and what becomes of those for which that doesn't depend on the value.</summary>
internal static class KnownSettings
{
    private const string NoWebhooks = "there are no webhooks here";
    private const string NoReports = "faults aren't sent to a service here; they are log lines and metrics";
    private const string OtherTokens = "another server's tokens aren't taken here; Holdfast gives its own, to the users of an htpasswd file";
    private const string NoRedis = "there is no cache beside the database here, and so no redis";
    private const string AnyPush = "manifests are not refused by this here";
    private const string Acme = "certificates aren't fetched here; let another program do that, and name its files: they are read again when they change";

    public static IReadOnlyList<KnownSetting> All { get; } =
        [.. Log(), .. Storage(), .. KnownDrivers.All(), .. Access(), .. Http(), .. Network(), .. Content(), .. KnownRedis.All(NoRedis)];

    private static IEnumerable<KnownSetting> Log() =>
    [
        Taken("version"),
        Taken("log.accesslog.disabled", Kind.Boolean),
        Taken("log.level"),
        Taken("log.formatter"),
        NotHere("log.fields", Kind.Anything, "fixed fields aren't added to log lines; let what collects the log add them"),
        NotHere("log.hooks", Kind.Anything, "no mail is sent for log lines; the alerts of docs/alerts.md take its place"),
        NotNeeded("log.reportcaller", Kind.Boolean, "log lines name what they are about").In(Release.Three),
        Taken("loglevel"),
        NotHere("reporting.bugsnag.apikey", Kind.Text, NoReports).In(Release.Two),
        NotHere("reporting.bugsnag.releasestage", Kind.Text, NoReports).In(Release.Two),
        NotHere("reporting.bugsnag.endpoint", Kind.Text, NoReports).In(Release.Two),
        NotHere("reporting.newrelic.licensekey", Kind.Text, NoReports).In(Release.Two),
        NotHere("reporting.newrelic.name", Kind.Text, NoReports).In(Release.Two),
        NotHere("reporting.newrelic.verbose", Kind.Boolean, NoReports).In(Release.Two),
    ];

    private static IEnumerable<KnownSetting> Storage() =>
    [
        Taken("storage.filesystem.rootdirectory"),
        NotNeeded("storage.filesystem.maxthreads", Kind.Number, "what runs at once is bounded by itself"),
        Taken("storage.delete.enabled", Kind.LooseBoolean),
        NotNeeded("storage.redirect.disable", Kind.LooseBoolean, "Holdfast sends every byte itself; nothing is redirected"),
        NotNeeded("storage.cache.blobdescriptor", Kind.Text, "presence is asked of the database; there is no cache that could be wrong"),
        NotNeeded("storage.cache.layerinfo", Kind.Text, "presence is asked of the database; there is no cache that could be wrong"),
        NotNeeded("storage.cache.blobdescriptorsize", Kind.Number, "presence is asked of the database; there is no cache that could be wrong").In(Release.Three),
        NotNeeded("storage.tag.concurrencylimit", Kind.Number, "a tag is one row; nothing is looked up in folders").In(Release.Three),
        Taken("storage.maintenance.uploadpurging.enabled", Kind.LooseBoolean),
        Taken("storage.maintenance.uploadpurging.age", Kind.Duration),
        NotNeeded("storage.maintenance.uploadpurging.interval", Kind.Duration, "old upload sessions are looked for all the time"),
        Taken("storage.maintenance.uploadpurging.dryrun", Kind.Boolean),
        Taken("storage.maintenance.readonly.enabled", Kind.Boolean),
    ];

    private static IEnumerable<KnownSetting> Access() =>
    [
        Taken("auth.htpasswd.path"),
        NotNeeded("auth.htpasswd.realm", Kind.Text, "the realm is \"holdfast\"; clients don't go by it"),
        Taken("auth.token.realm"),
        NotHere("auth.token.service", Kind.Text, OtherTokens),
        NotHere("auth.token.issuer", Kind.Text, OtherTokens),
        NotHere("auth.token.rootcertbundle", Kind.Text, OtherTokens),
        NotHere("auth.token.autoredirect", Kind.LooseBoolean, OtherTokens),
        NotHere("auth.token.autoredirectpath", Kind.Text, OtherTokens).In(Release.Three),
        NotHere("auth.token.jwks", Kind.Text, OtherTokens).In(Release.Three),
        NotHere("auth.token.signingalgorithms", Kind.Texts, OtherTokens).In(Release.Three),
        Taken("auth.silly.realm"),
        NotNeeded("auth.silly.service", Kind.Text, "goes with auth.silly"),
    ];

    private static IEnumerable<KnownSetting> Http() =>
    [
        Taken("http.addr"),
        Taken("http.net"),
        NotNeeded("http.host", Kind.Text, "answers name no host, so that any name works"),
        Taken("http.prefix"),
        NotNeeded("http.secret", Kind.Text, "upload sessions are in the data folder; nothing is signed for the client to carry"),
        NotNeeded("http.relativeurls", Kind.Boolean, "answers name no host, whatever one writes"),
        Taken("http.draintimeout", Kind.Duration),
        Taken("http.headers", Kind.Anything),
        Taken("http.tls.certificate"),
        Taken("http.tls.key"),
        Taken("http.tls.clientcas", Kind.Texts),
        Taken("http.tls.clientauth").In(Release.Three),
        Taken("http.tls.minimumtls"),
        NotHere("http.tls.ciphersuites", Kind.Texts, "the cipher suites are the system's; set them in /etc/ssl/openssl.cnf if you must"),
        NotHere("http.tls.letsencrypt.cachefile", Kind.Text, Acme),
        NotHere("http.tls.letsencrypt.email", Kind.Text, Acme),
        NotHere("http.tls.letsencrypt.hosts", Kind.Texts, Acme),
        NotHere("http.tls.letsencrypt.directoryurl", Kind.Text, Acme).In(Release.Three),
        Taken("http.debug.addr"),
        NotNeeded("http.debug.prometheus.enabled", Kind.Boolean, "/metrics is always there"),
        Taken("http.debug.prometheus.path"),
        Taken("http.http2.disabled", Kind.Boolean),
        Taken("http.h2c.enabled", Kind.Boolean).In(Release.Three),
    ];

    private static IEnumerable<KnownSetting> Network() =>
    [
        NotHere("notifications.events.includereferences", Kind.Boolean, NoWebhooks),
        NotHere("notifications.endpoints", Kind.Anything, NoWebhooks),
        NotNeeded("health.storagedriver.enabled", Kind.Boolean, "/readyz asks the stores each time"),
        NotNeeded("health.storagedriver.interval", Kind.Duration, "/readyz asks the stores each time"),
        NotNeeded("health.storagedriver.threshold", Kind.Number, "/readyz asks the stores each time"),
        NotHere("health.file", Kind.Anything, "no file takes the server out of service; stop it, and it drains"),
        NotHere("health.http", Kind.Anything, "other servers aren't watched here; let what watches them raise the alarm"),
        NotHere("health.tcp", Kind.Anything, "other servers aren't watched here; let what watches them raise the alarm"),
        NotNeeded("catalog.maxentries", Kind.Number, "a page has at most 10,000 names; clients go on by Link"),
        NotNeeded("tags.maxtags", Kind.Number, "a page has at most 10,000 names; clients go on by Link").In(Release.Three),
        Taken("proxy.remoteurl"),
        Taken("proxy.username"),
        Taken("proxy.password"),
        NotHere("proxy.exec", Kind.Anything, "no program is asked for the upstream's password; put it into the file that upstream.passwordFile names").In(Release.Three),
        NotNeeded("proxy.ttl", Kind.Duration, "nothing goes because of its age; registries.<name>.size.max bounds a cache, tags.revalidateAfter says when a tag is asked again").In(Release.Three),
        NotNeeded("proxy.cachewritetimeout", Kind.Duration, "a slow disk slows a miss down; nothing is given up").In(Release.Three),
    ];

    private static IEnumerable<KnownSetting> Content() =>
    [
        Taken("middleware.*", Kind.Anything),
        NotNeeded("validation.enabled", Kind.Boolean, "manifests are always checked"),
        Taken("validation.disabled", Kind.Boolean),
        NotHere("validation.manifests.urls.allow", Kind.Texts, AnyPush),
        NotHere("validation.manifests.urls.deny", Kind.Texts, AnyPush),
        Taken("validation.manifests.indexes.platforms").In(Release.Three),
        NotHere("validation.manifests.indexes.platformlist", Kind.Anything, "an index is taken with all that it lists, or not at all").In(Release.Three),
        NotHere("policy.repository.classes", Kind.Texts, AnyPush),
        NotNeeded("compatibility.schema1.signingkeyfile", Kind.Text, "nothing is signed: manifests stay the bytes that were pushed").In(Release.Two),
        Taken("compatibility.schema1.enabled", Kind.Boolean).In(Release.Two),
    ];
}
