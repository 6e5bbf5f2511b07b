namespace Holdfast.Configuration;

/// <summary>Every key of the configuration. The reader, the overrides, the suggestions and the reference all follow this one tree.</summary>
internal static class Schema
{
    private static readonly Value Path = new("path", ValueFaults.Path);
    private static readonly Value Word = new("text", ValueFaults.Text);
    private static readonly Value Boolean = new("true or false", ValueFaults.Boolean);
    private static readonly Value ServedRegistry = new("registry name", ValueFaults.RegistryNameOrAll);

    private static readonly Group Tls = new(
        new Key("certificate", Path, "PEM file with the certificate and its chain; re-read when it changes.") { Foreign = ["cert", "fullchain"] },
        new Key("key", Path, "PEM file with the private key, unencrypted.") { Foreign = ["privateKey"] })
    {
        IfEmpty = "needs certificate and key",
    };

    private static readonly Group Listener = new(
        new Key("url", new Value("listener URL", ValueFaults.ListenerUrl), "http or https, an IP address or localhost, and a port. localhost is 127.0.0.1 and ::1.") { Foreign = ["addr", "address", "host"] },
        new Key("tls", Tls, "For https, and only there."),
        new Key("registry", ServedRegistry, "The registry that it serves; may be left out if there is only one. \"*\": every cache, chosen by containerd's ?ns=."));

    private static readonly Group Token = new(
        new Key("realm", new Value("URL", ValueFaults.RealmUrl), "The token endpoint as clients reach it, for a proxy in front.", "/token on the address that the client used"),
        new Key("service", Word, "Service name in challenges and tokens.", "the registry's name"),
        new Key("lifetime", ValueFaults.DurationBetween(TimeSpan.FromSeconds(60), TimeSpan.FromDays(1)), "How long a token is good for.", "5m"))
    {
        IfEmpty = "write {} to give tokens with the defaults, or remove the key",
    };

    private static readonly Group Auth = new(
        new Key("htpasswd", Path, "htpasswd file with bcrypt hashes; re-read when it changes. `holdfast user add` writes it."),
        new Key("anonymous", new Items(ValueFaults.OneOf("pull")), "What callers without credentials may do: [] or [pull].", "[]"),
        new Key("token", Token, "If present, clients are asked for Bearer tokens; Basic is understood either way."))
    {
        Word = "none",
        IfEmpty = "write `none` to serve it open to everyone, or give an htpasswd",
    };

    private static readonly Group Access = new(
        new Key("users", new Items(new Value("user name", ValueFaults.Text), "names no user"), "Names from the htpasswd file; \"*\" is every user, \"anonymous\" a caller without credentials."),
        new Key("repositories", new Items(new Value("pattern", ValueFaults.Pattern), "names no repository; write [\"**\"] for all"), "Patterns: ** any depth, * within one part of a name."),
        new Key("actions", new Items(ValueFaults.OneOf("pull", "push", "delete", "admin"), "grants nothing"), "pull, push, delete, and admin: trash, collection, retention, incidents and healing over the network."));

    private static readonly Group Registry = new([
        new Key("kind", ValueFaults.OneOf("hosted", "cache"), "hosted: clients push to it. cache: it is filled from an upstream when clients pull.", "hosted"),
        new Key("auth", Auth, "`none`, or who may log in. Left out it means none, which a listener beyond loopback wants to see written."),
        new Key("access", new Items(Access, "an empty list would let every user pull, push and delete; remove the key if that is meant"), "What users may do; rules add up. Left out, every user may pull, push and delete."),
        .. CacheSchema.RegistryKeys]);

    /// <summary>The whole file.</summary>
    public static Group Root { get; } = new([
        new Key("data", Path, "Folder of everything that is stored.", "./data in the working folder") { Foreign = ["rootdirectory"] },
        new Key("listeners", new Items(Listener, "nothing would be served"), "Addresses to listen on.", "http://127.0.0.1:5000"),
        new Key("registries", new Named(Registry, ValueFaults.RegistryName), "Registries by name: 1 to 64 of a-z, 0-9 and -.", "one, named default, without users"),
        CacheSchema.Root,
        new Key("uploads", new Group(
            new Key("maxAge", ValueFaults.DurationBetween(TimeSpan.FromMinutes(1), TimeSpan.FromDays(365)), "Upload sessions that were not touched for this long are removed.", "24h") { Foreign = ["age"] },
            new Key("maxOpen", ValueFaults.NumberBetween(1, 1_000_000), "Open upload sessions, all registries together; one more gets 429.", "10000")), "Upload sessions."),
        new Key("disk", new Group(
            new Key("reserve", ValueFaults.SizeBetween(0, long.MaxValue), "Free bytes below which pushes get 507 while pulls and deletes go on.", "1GiB")), "Disk space."),
        new Key("limits", new Group(
            new Key("connections", ValueFaults.NumberBetween(16, 1_000_000), "Connections, all listeners together.", "10000"),
            new Key("manifestCache", ValueFaults.SizeBetween(0, 64L << 30), "Memory for manifests.", "32MiB")), "Bounds on memory and connections."),
        new Key("proxies", new Group(
            new Key("trusted", new Items(new Value("IP address or CIDR network", ValueFaults.Network)), "Addresses whose X-Forwarded-* headers are believed.", "[]")), "Proxies in front."),
        new Key("shutdown", new Group(
            new Key("drain", ValueFaults.DurationBetween(TimeSpan.Zero, TimeSpan.FromHours(24)), "How long running transfers may go on after SIGTERM.", "60s")), "Stopping."),
        new Key("log", new Group(
            new Key("format", ValueFaults.OneOf("console", "json"), "Lines for people, or one JSON object a line.", "console") { Foreign = ["formatter"] },
            new Key("level", ValueFaults.OneOf("debug", "information", "warning", "error"), "The least that is logged.", "information"),
            new Key("access", new Group(
                new Key("enabled", Boolean, "Log a line for each request.", "true"),
                new Key("maxLinesPerSecond", ValueFaults.NumberBetween(1, 1_000_000), "What comes beyond is counted and dropped.", "1000")), "Access log.")), "Logging: events to standard error, requests to standard output."),
        .. IntegritySchema.Keys]);

    /// <summary>Every key with its dotted path; names that the user chooses stand as &lt;name&gt;, places in lists as [].</summary>
    public static IEnumerable<(string Path, Key Key)> Keys { get; } = [.. Walk(Root, "")];

    /// <returns>The group of keys at a path as the user wrote it, or null if there is none.</returns>
    public static Group? At(string path)
    {
        Shape? shape = Root;
        foreach (var part in path.Split('.', StringSplitOptions.RemoveEmptyEntries))
        {
            var name = part.Split('[')[0];
            shape = shape switch
            {
                Group group => Array.Find(group.Keys, k => k.Name == name)?.Shape,
                Named named => named.Item,
                _ => null,
            };
            if (shape is Items items && part.EndsWith(']'))
                shape = items.Item;
        }

        return shape as Group;
    }

    private static IEnumerable<(string Path, Key Key)> Walk(Shape shape, string path) => shape switch
    {
        Group group => group.Keys.SelectMany(k => Walk(k.Shape, Join(path, k.Name)).Prepend((Join(path, k.Name), k))),
        Named named => Walk(named.Item, path + ".<name>"),
        Items items => Walk(items.Item, path + "[]"),
        _ => [],
    };

    private static string Join(string path, string name) => path.Length == 0 ? name : $"{path}.{name}";
}
