namespace Holdfast.Server;

/// <summary>When what nothing refers to any more goes.</summary>
public sealed record CollectionOptions
{
    /// <summary>How long something stays after the last that referred to it went.</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromHours(24);

    /// <summary>How long a blob that was uploaded, mounted or found by a HEAD stays for the manifest that is about to use it.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Reviews a second, so that collecting doesn't slow down traffic.</summary>
    public int MaxReviewsPerSecond { get; init; } = 1_000;

    /// <summary>From the end of one look at the queues to the next.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromMinutes(1);
}

public sealed record TrashOptions
{
    /// <summary>How long a delete can be undone (P7).</summary>
    public TimeSpan Keep { get; init; } = TimeSpan.FromDays(7);
}

public sealed record ScrubOptions
{
    /// <summary>In this time every stored byte is hashed once; what was not is hashed while it is pulled (P4).</summary>
    public TimeSpan Period { get; init; } = TimeSpan.FromDays(7);

    /// <summary>Bytes a second that are read for it.</summary>
    public long BytesPerSecond { get; init; } = 50L << 20;

    /// <summary>Files a second that are read for it: opening a small one costs more than reading it, and small ones alone would take a whole processor.</summary>
    public int MaxReadsPerSecond { get; init; } = 200;

    /// <summary>From one look at the presence and size of all blobs to the next.</summary>
    public TimeSpan SweepInterval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Files looked at a second by that.</summary>
    public int MaxFilesPerSecond { get; init; } = 10_000;
}

/// <summary>The server's look at itself through its own front door.</summary>
public sealed record SelfProbeOptions
{
    /// <summary>On by default in a configuration; a server that is put together in a program says so itself.</summary>
    public bool Enabled { get; init; }

    /// <summary>From the end of one round to the next.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>Tags of each registry in one round; those that were checked the longest ago come first.</summary>
    public int MaxTags { get; init; } = 1_000;

    /// <summary>Read the bytes, too, once a day? The scrub reads them all at its own rate anyway.</summary>
    public bool Read { get; init; }
}

public sealed record HealOptions
{
    /// <summary>Where right bytes are fetched for damaged ones, in this order.</summary>
    public IReadOnlyList<DonorOptions> Donors { get; init; } = [];
}

/// <summary>A donor: a registry or a folder. Exactly one of <see cref="Registry"/> and <see cref="Folder"/> is set.</summary>
public sealed record DonorOptions
{
    /// <summary>http or https URL of a registry; a path in it is put before repository names.</summary>
    public Uri? Registry { get; init; }

    public string? Username { get; init; }

    public string? PasswordFile { get; init; }

    /// <summary>A folder that holds blobs: another data folder, an OCI layout, or a registry:2 root.</summary>
    public string? Folder { get; init; }
}

/// <summary>What of a repository stays. What no reason keeps goes to the trash.</summary>
public sealed record RetentionOptions
{
    /// <summary>Names of registries, or "*".</summary>
    public required IReadOnlyList<string> Registries { get; init; }

    /// <summary>Patterns as in access rules: ** any depth, * within one part.</summary>
    public required IReadOnlyList<string> Repositories { get; init; }

    /// <summary>Tagged roots, newest push first; null: no such reason.</summary>
    public int? KeepNewest { get; init; }

    /// <summary>Patterns of tags that always stay: * is any run of characters.</summary>
    public IReadOnlyList<string> KeepTags { get; init; } = [];

    public TimeSpan? KeepPulledWithin { get; init; }

    /// <summary>Since the last push.</summary>
    public TimeSpan? KeepYoungerThan { get; init; }

    /// <summary>Roots without a tag go after this long without one; null: they stay.</summary>
    public TimeSpan? UntaggedAfter { get; init; }

    /// <summary>Patterns of tags that can't be moved to another manifest: such a push gets 409.</summary>
    public IReadOnlyList<string> ImmutableTags { get; init; } = [];

    /// <summary>Files or URLs with image references, one a line, that stay whatever the rule says.</summary>
    public IReadOnlyList<string> InUse { get; init; } = [];

    /// <summary>A run that would remove more of a repository's roots than this share, in percent, removes nothing there and opens an incident.</summary>
    public int MaxRemovedPercent { get; init; } = 25;

    /// <summary>
    /// Does it take tags away? With any reason to keep, what no reason keeps goes. Without one no tagged root goes: such a rule is there for
    /// <see cref="UntaggedAfter"/> or <see cref="ImmutableTags"/>.
    /// </summary>
    public bool RemovesTagged =>
        KeepNewest is not null || KeepTags.Count > 0 || KeepPulledWithin is not null || KeepYoungerThan is not null;

    /// <summary>When it runs by itself: five cron fields, in the machine's time zone; null: only by command.</summary>
    public string? Schedule { get; init; }
}
