namespace Holdfast.Configuration;

/// <summary>The keys of what keeps images whole: collection, trash, scrub, healing and retention.</summary>
internal static class IntegritySchema
{
    private static readonly TimeSpan Year = TimeSpan.FromDays(365);
    private static readonly TimeSpan TenYears = TimeSpan.FromDays(3650);

    private static readonly Group Collection = new(
        new Key("grace", ValueFaults.DurationBetween(TimeSpan.Zero, Year), "How long something stays after the last that referred to it went.", "24h") { Foreign = ["gcDelay"] },
        new Key("lease", ValueFaults.DurationBetween(TimeSpan.Zero, Year), "How long a blob that was uploaded, mounted or found stays for the manifest that is about to use it.", "1h"),
        new Key("maxReviewsPerSecond", ValueFaults.NumberBetween(1, 1_000_000), "Bounds the work, so that collecting doesn't slow down traffic.", "1000"),
        new Key("interval", ValueFaults.DurationBetween(TimeSpan.FromMilliseconds(100), TimeSpan.FromDays(1)), "From the end of one look at what is due to the next.", "1m") { Foreign = ["gcInterval"] });

    private static readonly Group Trash = new(
        new Key("keep", ValueFaults.DurationBetween(TimeSpan.Zero, TenYears), "How long a delete can be undone; 0s: not at all.", "7d"));

    private static readonly Group Scrub = new(
        new Key("period", ValueFaults.DurationBetween(TimeSpan.FromSeconds(1), Year), "In this time every stored byte is hashed once; what was not is hashed while it is pulled.", "7d"),
        new Key("rate", ValueFaults.RateBetween(1L << 10, 1L << 40), "What is read for it at most.", "50MiB/s"),
        new Key("sweep", ValueFaults.DurationBetween(TimeSpan.FromSeconds(1), TimeSpan.FromDays(1)), "From one look at the presence and size of all blobs to the next.", "1m"),
        new Key("maxFilesPerSecond", ValueFaults.NumberBetween(1, 10_000_000), "Files looked at by that at most.", "10000"));

    private static readonly Group Probe = new(
        new Key("enabled", new Value("true or false", ValueFaults.Boolean), "Look at it at all.", "true"),
        new Key("interval", ValueFaults.DurationBetween(TimeSpan.FromSeconds(1), TimeSpan.FromDays(1)), "From the end of one round to the next.", "15m"),
        new Key("maxTags", ValueFaults.NumberBetween(1, 10_000_000), "Tags of each registry in one round; failing ones first, then those that were checked the longest ago.", "1000"),
        new Key("read", new Value("true or false", ValueFaults.Boolean), "Read the bytes, too, once a day, beside the scrub; else HEAD and sizes.", "false"));

    private static readonly Group Donor = new(
        new Key("registry", new Value("URL", text => ValueFaults.PlainUrl(text, "https://mirror.example")), "A registry that has the same repositories; a path in the URL is put before their names.") { Foreign = ["url"] },
        new Key("username", new Value("text", ValueFaults.Text), "Who to log in as there."),
        new Key("passwordFile", new Value("path", ValueFaults.Path), "File with the password, which goes with username."),
        new Key("folder", new Value("path", ValueFaults.Path), "A folder with blobs: another data folder, an OCI layout, or a registry:2 root.") { Foreign = ["path", "dir"] })
    {
        IfEmpty = "write `registry: URL` or `folder: PATH`",
    };

    private static readonly Group Heal = new(
        new Key("donors", new Items(Donor), "Where right bytes are fetched for damaged ones, in this order; each is a registry or a folder.", "[]"));

    private static readonly Items TagPatterns = new(new Value("tag pattern", ValueFaults.TagPattern));

    private static readonly Group Retention = new(
        new Key("registries", new Items(new Value("registry name", ValueFaults.RegistryNameOrAll), "names no registry; write [\"*\"] for all"), "Registries that it holds for; \"*\" is every one."),
        new Key("repositories", new Items(new Value("pattern", ValueFaults.Pattern), "names no repository; write [\"**\"] for all"), "Patterns: ** any depth, * within one part of a name."),
        new Key("keepNewest", ValueFaults.NumberBetween(0, 1_000_000), "Keeps so many tagged images, those that were pushed last."),
        new Key("keepTags", TagPatterns, "Keeps tags that fit; * is any text, ? one character.", "[]"),
        new Key("keepPulledWithin", ValueFaults.DurationBetween(TimeSpan.FromHours(1), TenYears, "pulls are remembered to the hour"), "Keeps what was pulled since."),
        new Key("keepYoungerThan", ValueFaults.DurationBetween(TimeSpan.FromSeconds(1), TenYears), "Keeps what was pushed since."),
        new Key("untaggedAfter", ValueFaults.DurationBetween(TimeSpan.Zero, TenYears), "Images without a tag go after so long without one; left out, they stay."),
        new Key("immutableTags", TagPatterns, "Tags that can't be moved to another manifest: such a push gets 409.", "[]"),
        new Key("inUse", new Items(new Value("path or URL", ValueFaults.PathOrUrl)), "Lists of image references, one a line, that nothing removes, whatever the rule says; a list that can't be read stops the run.", "[]"),
        new Key("maxRemoved", ValueFaults.Percent, "A run that would remove more of a repository's images removes nothing there, and opens an incident.", "25%"),
        new Key("schedule", new Value("schedule", ValueFaults.Schedule), "When it runs by itself, in the machine's time zone: minute, hour, day of month, month, day of week. Left out: only by command."))
    {
        IfEmpty = "needs registries, repositories and what to keep",
    };

    public static IEnumerable<Key> Keys { get; } =
    [
        new("collection", Collection, "When what nothing refers to any more goes.") { Foreign = ["gc"] },
        new("trash", Trash, "Undoing deletes."),
        new("scrub", Scrub, "Looking for damage."),
        new("probe", Probe, "The server's look at its own registries through its own front door, as `holdfast probe` does it."),
        new("heal", Heal, "Mending damage."),
        new("retention", new Items(Retention), "What stays of repositories. The first rule that fits a repository holds for it; what no rule fits stays whole.", "[]"),
    ];
}
